"""Flower's SecAgg+ as it is published, its server workflow over clients in this process; prints one line of JSON.

python flower.py PARAMETERS: ten clients in the complete graph, one of them lost after it has shared its keys. CPU seconds
and peak memory are those of the first client's masking, and of the server beside what it waits for.
"""
import copy
import json
import resource
import sys
import time
import tracemalloc

import flwr
import numpy as np
from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.client.mod import secaggplus_mod
from flwr.common import Code, FitIns, FitRes, Status, ndarrays_to_parameters
from flwr.compat.common import recorddict_compat as compat
from flwr.common.secure_aggregation.secaggplus_constants import RECORD_KEY_CONFIGS, Key, Stage
from flwr.server import LegacyContext, SimpleClientManager
from flwr.server.strategy import FedAvg
from flwr.server.workflow import SecAggPlusWorkflow
from flwr.server.workflow.constant import MAIN_CONFIGS_RECORD, MAIN_PARAMS_RECORD
from flwr.server.workflow.constant import Key as WorkflowKey
from flwr.supercore.task_identity import TaskIdentity

CLIENTS = 10
THRESHOLD = 7
LOST = CLIENTS


def context(node_id):
    return Context(run_id=1, node_id=node_id, node_config={}, state=RecordDict(), run_config={})


class Meter:
    """CPU seconds and the most memory above what there was."""

    def __init__(self):
        self.seconds = 0.0
        self.peak = 0

    def start(self):
        tracemalloc.reset_peak()
        self.memory = tracemalloc.get_traced_memory()[0]
        self.began = time.process_time()

    def stop(self):
        self.seconds += time.process_time() - self.began
        self.peak = max(self.peak, tracemalloc.get_traced_memory()[1] - self.memory)


class Clients:
    """The grid of the workflow, and behind it every client."""

    def __init__(self, update, server):
        self.update = update
        self.server = server
        self.client = Meter()
        self.contexts = {node: context(node) for node in range(1, CLIENTS + 1)}
        self.upload = 0

    def train(self, msg, _):
        """The update of a client, which Flower's strategies take for its model."""
        result = FitRes(Status(Code.OK, ""), ndarrays_to_parameters([self.update]), 1, {})
        return Message(compat.fitres_to_recorddict(result, False), reply_to=msg)

    def send_and_receive(self, messages, *, timeout=None):
        self.server.stop()
        replies = [reply for msg in messages if (reply := self.answer(msg)) is not None]
        self.server.start()
        return replies

    def answer(self, sent):
        # The wire would make a copy; these messages are small.
        msg = copy.deepcopy(sent)
        node = msg.metadata.dst_node_id
        stage = msg.content.config_records[RECORD_KEY_CONFIGS][Key.STAGE]
        if node == LOST and stage in (Stage.COLLECT_MASKED_VECTORS, Stage.UNMASK):
            return None
        isMeasured = node == 1 and stage == Stage.COLLECT_MASKED_VECTORS
        if isMeasured:
            self.client.start()
        reply = secaggplus_mod(msg, self.contexts[node], self.train)
        if isMeasured:
            self.client.stop()
            masked = reply.content.config_records[RECORD_KEY_CONFIGS][Key.MASKED_PARAMETERS]
            self.upload = sum(len(part) for part in masked)
        return reply


class Proxy:
    def __init__(self, node_id):
        self.node_id = node_id
        self.cid = str(node_id)


class Everybody(FedAvg):
    """Every client is asked; what is done with the sum is not measured."""

    def configure_fit(self, server_round, parameters, client_manager):
        return [(Proxy(node), FitIns(parameters, {})) for node in range(1, CLIENTS + 1)]

    def aggregate_fit(self, server_round, results, failures):
        return None, {}


def main(parameters):
    update = (np.sin(np.arange(parameters)) / 100).astype(np.float32)
    TaskIdentity.run_id, TaskIdentity.node_id, TaskIdentity.task_id = 1, 0, 1
    tracemalloc.start()
    server = Meter()
    clients = Clients(update, server)
    legacy = LegacyContext(context(0), strategy=Everybody(), client_manager=SimpleClientManager())
    legacy.state.config_records[MAIN_CONFIGS_RECORD] = ConfigRecord({WorkflowKey.CURRENT_ROUND: 1})
    small = ndarrays_to_parameters([np.zeros(1, np.float32)])
    legacy.state.array_records[MAIN_PARAMS_RECORD] = compat.parameters_to_arrayrecord(small, False)
    workflow = SecAggPlusWorkflow(num_shares=1.0, reconstruction_threshold=THRESHOLD)
    server.start()
    workflow(clients, legacy)
    server.stop()
    print(json.dumps({
        "version": f"flwr {flwr.__version__}, numpy {np.__version__}",
        "clientSeconds": clients.client.seconds,
        "clientBytes": clients.client.peak,
        "serverSeconds": server.seconds,
        "serverBytes": server.peak,
        "upload": clients.upload,
        "processBytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }))


main(int(sys.argv[1]))
