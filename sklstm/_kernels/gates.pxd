"""Declarations of gate.h, and the gate of a ``sklstm._runtime.Gate``."""


cdef extern from "gate.h" nogil:
    ctypedef struct gate_t:
        pass
    void gate_reset(gate_t* gate)
    void gate_enter(gate_t* gate)
    void gate_leave(gate_t* gate)
    void gate_close(gate_t* gate)
    void gate_open(gate_t* gate)


cdef inline gate_t* gate_of(object gate) except? NULL:
    """The gate of a ``Gate``, or NULL for None, which is always open."""
    return NULL if gate is None else <gate_t*> <size_t> gate.address
