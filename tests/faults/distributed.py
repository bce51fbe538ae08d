"""Faults: training with gradients that other processes compute."""

from faults.fault import Fault

TRAINERS, WORKER = "sklstm/distributed/_trainers.py", "sklstm/distributed/_worker.py"
CLUSTER, PARTITIONS = "sklstm/distributed/_cluster.py", "sklstm/distributed/_partitions.py"
TESTS = "test_distributed.py"

FAULTS = [
    Fault(
        "distributed-order",
        "gradients are added up in the order of the workers",
        TRAINERS,
        "        loss = self._add([share for share in shares if share is not None])\n",
        "        order = sorted(range(len(shares)), key=lambda k: self.cluster.homes[k])\n"
        "        loss = self._add([shares[k] for k in order if shares[k] is not None])\n",
        TESTS,
    ),
    Fault(
        "distributed-of",
        "the gradient of a share is divided by the size of the share",
        WORKER,
        "loss = trainer.gradient(chosen, of)",
        "loss = trainer.gradient(chosen)",
        TESTS,
    ),
    Fault(
        "distributed-masks",
        "the dropout masks of a partition are those of the first one",
        WORKER,
        "trainer.begin_epoch(epoch, learner.first)\n    loss = trainer.gradient(chosen, of)",
        "trainer.begin_epoch(epoch)\n    loss = trainer.gradient(chosen, of)",
        TESTS,
    ),
    Fault(
        "distributed-penalty",
        "every partition adds the penalty",
        TRAINERS,
        'return settings | {"alpha": 0.0}',
        "return settings",
        TESTS,
    ),
    Fault(
        "distributed-solver",
        "partitions on one worker change the same solver",
        WORKER,
        "trainer, solver = learner.trainer, deepcopy(solver)",
        "trainer, solver = learner.trainer, solver",
        TESTS,
    ),
    Fault(
        "distributed-missing",
        "the category of missing values is added again",
        PARTITIONS,
        "            new = new[~np.isnan(new)]\n",
        "            pass\n",
        TESTS,
    ),
    Fault(
        "distributed-lost",
        "data that were lost with their worker raise the error of Dask",
        CLUSTER,
        "            self._require(held)\n            raise\n",
        "            raise\n",
        TESTS,
    ),
    Fault(
        "average-shares",
        "small partitions count as much as large ones in an average",
        TRAINERS,
        "parts = [one.n / n for one in walks]",
        "parts = [1 / len(walks) for one in walks]",
        TESTS,
    ),
    Fault(
        "average-solver",
        "an average has the solver of the first partition",
        TRAINERS,
        "name: weighted_mean([one.state[name] for one in walks], parts)",
        "name: walks[0].state[name]",
        TESTS,
    ),
    Fault(
        "average-batches",
        "a partition trains on one local batch between averages, whatever average= is",
        TRAINERS,
        "self.batch_size = self.size * sequences.average * len(sequences.held)",
        "self.batch_size = self.size * len(sequences.held)",
        TESTS,
    ),
    Fault(
        "exchange-steps",
        "a step along a sum counts as one sequence",
        "sklstm/_exchange.py",
        "self.t_ += round(weight)",
        "self.t_ += 1",
        "test_exchange.py",
    ),
    Fault(
        "exchange-penalty",
        "the penalty does not depend on the weight of the sum",
        "sklstm/_exchange.py",
        "add_penalty(topology, vector, found, float(self.alpha) / weight)",
        "add_penalty(topology, vector, found, float(self.alpha))",
        "test_exchange.py",
    ),
    Fault(
        "exchange-balanced",
        "balanced classes count those of one part",
        "sklstm/_exchange.py",
        '        outputs.factors()  # class_weight="balanced" needs all targets\n',
        "",
        "test_exchange.py",
    ),
]
