"""Where the documentation of an estimator is, for the HTML diagrams of scikit-learn."""

DOCUMENTATION = "https://sklstm.readthedocs.io/en/stable/"


class Linked:
    """Mixin: diagrams link to the page of the class and show a tooltip for each parameter."""

    _doc_link_module = "sklstm"
    _doc_link_template = (
        f"{DOCUMENTATION}api/generated/{{estimator_module}}.{{estimator_name}}.html"
    )
