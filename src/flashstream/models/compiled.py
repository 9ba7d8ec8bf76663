"""A torch network as one compiled graph for a CPU."""

import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from openvino.frontend import FrontEndManager
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
from torch import nn


def compiled_for_cpu(
    network: nn.Module, shape: tuple[int, ...]
) -> Callable[[NDArray[np.uint8]], NDArray[Any]]:
    """A function of a batch uint8[B, *shape] that gives what `network` gives, to rounding.

    OpenVINO folds batch norms, joins activations to convolutions and lays channels side by side: a
    picture takes less than half of torch's time (`flashstream bench fleet` measures both). It
    computes in float32 (where a CPU has bfloat16, its default is that, with features 3 % off), with
    as many threads as torch has here. It takes a batch picture by picture: what lies between layers
    is then small enough for a core's caches, and the result does not depend on the batch. Calls of
    several threads take turns. The frontend is called directly because `convert_model` around it
    reports its use over the network.
    """
    example = torch.zeros((1, *shape), dtype=torch.uint8)
    with warnings.catch_warnings():  # tracing is deprecated; the other way in takes 6 s
        warnings.simplefilter("ignore", DeprecationWarning)
        decoder = TorchScriptPythonDecoder(
            network,
            example_input=(example,),
            trace_kwargs={"check_trace": False},  # which traces again, and imports much for it
        )
    frontend = FrontEndManager().load_by_framework("pytorch")
    model = frontend.convert(frontend.load(decoder))
    pictures = model.inputs[0].get_node()
    pictures.set_element_type(openvino.Type.u8)
    pictures.set_partial_shape(openvino.PartialShape([1, *shape]))
    model.validate_nodes_and_infer_types()
    options = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        # It would move each thread that calls to the same core, however busy that one is.
        "ENABLE_CPU_PINNING": False,
    }
    request = openvino.compile_model(model, "CPU", options).create_infer_request()
    turn = threading.Lock()

    def run(batch: NDArray[np.uint8]) -> NDArray[Any]:
        with turn:
            rows = [request.infer(batch[[row]])[0] for row in range(len(batch))]
        return np.concatenate(rows)

    return run
