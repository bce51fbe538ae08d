"""
From a long data frame to predictions and back
==============================================

This example is for people whose data are one long table with a column of ids: patients, customers,
machines. It turns the table into sequences, splits them by id, trains, and puts the predictions
back beside the rows of the table. The data are real: the weights of 50 chicks on four diets,
measured every second day. The model forecasts at each weighing how much a chick will weigh at the
next one, and is compared with two simple methods.
"""

# %%
# The table
# ---------
# One row is one weighing. The target of a row is the weight in the next row of the same chick, so
# the last row of a chick has no target.

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut, train_test_split
from sklearn.pipeline import make_pipeline

from sklstm import LSTMRegressor
from sklstm.preprocessing import SequenceScaler, from_long, to_long

here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
table = pd.read_csv(here.parent / "data" / "chick_weights.csv")
table["next_weight"] = table.groupby("chick")["weight"].shift(-1)
rows = table.dropna().sort_values(["chick", "day"])
print(rows.head(3).to_string(index=False))
print(f"{rows['chick'].nunique()} chicks, {len(rows)} rows with a target")

# %%
# Sequences
# ---------
# :func:`~sklstm.preprocessing.from_long` makes one sequence per id, and ``values`` names the
# features. A second call with the name of the target returns the targets in the same order. A label
# that belongs to a whole sequence, here the diet, is looked up by id.

X, ids = from_long(rows, id="chick", time="day", values=["day", "weight"])
y, _ = from_long(rows, id="chick", time="day", values="next_weight")
diet = rows.groupby("chick")["diet"].first().loc[ids].to_numpy()
print(f"{len(X)} sequences of {min(map(len, X))} to {max(map(len, X))} steps")

# %%
# Split by id
# -----------
# One sequence is one chick, so a split of sequences never has the same chick on both sides. Every
# diet is in both parts.

train, test = train_test_split(np.arange(len(X)), test_size=20, stratify=diet, random_state=0)


def take(sequences, rows):
    return [sequences[row] for row in rows]


# %%
# Choose settings on the training part
# ------------------------------------
# Chicks on the same diet are related. With the diets as groups, each fold leaves one diet out, so
# the score prefers settings that carry over to another diet.

search = GridSearchCV(
    make_pipeline(SequenceScaler(), LSTMRegressor(return_sequences=True, random_state=0)),
    {
        "lstmregressor__hidden_layer_sizes": [8, 32],
        "lstmregressor__dropout": [0.0, 0.2],
    },
    cv=LeaveOneGroupOut(),
)
search.fit(take(X, train), take(y, train), groups=diet[train])
print(f"Chosen: {search.best_params_}")

# %%
# Predictions beside the rows
# ---------------------------
# :func:`~sklstm.preprocessing.to_long` turns predictions per step into a long table again. Its time
# column numbers the steps of each sequence from 0, as ``cumcount`` does for the rows of the table.
# So the two tables can be merged.

predicted = to_long(
    search.predict(take(X, test)), ids[test], id="chick", time="step", values="LSTM"
)
rows["step"] = rows.groupby("chick").cumcount()
result = rows.merge(predicted, on=["chick", "step"])
print(result.head(3).round(1).to_string(index=False))

# %%
# Compare
# -------
# The first simple method repeats the last gain. The second is a linear regression on the day, the
# weight and the last gain, which is learned on the same chicks. With few and short sequences, a
# linear model on good features is hard to beat: try it first.

rows["gain"] = rows.groupby("chick")["weight"].diff().fillna(0)
columns = ["day", "weight", "gain"]
known = rows[rows["chick"].isin(ids[train])]
linear = LinearRegression().fit(known[columns], known["next_weight"])
result = result.merge(rows[["chick", "step", "gain"]], on=["chick", "step"])
result["same gain"] = result["weight"] + result["gain"]
result["linear"] = linear.predict(result[columns])
methods = ["same gain", "linear", "LSTM"]
errors = result[methods].sub(result["next_weight"], axis=0).abs()
for name in methods:
    print(f"Mean absolute error of {name:9}: {errors[name].mean():.1f} g")

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for color, (chick, part) in zip(("C0", "C1", "C2", "C3"), result.groupby("chick"), strict=False):
    left.plot(part["day"] + 2, part["next_weight"], "o", color=color)
    left.plot(part["day"] + 2, part["LSTM"], color=color, label=f"chick {chick}")
left.set(xlabel="Day", ylabel="Weight (g)", title="Dots: weighed, lines: forecast by the LSTM")
left.set_xticks(range(2, 23, 4))
left.legend(loc="upper left")
by_day = errors.groupby(result["day"]).mean()
by_day.plot(ax=right, marker="o", xlabel="Day of the forecast", ylabel="Mean absolute error (g)")
right.set_xticks(range(0, 21, 4))
plt.show()
