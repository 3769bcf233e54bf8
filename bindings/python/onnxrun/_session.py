# SPDX-License-Identifier: Apache-2.0
"""InferenceSession: a model that is ready to run."""
from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Union

from onnxrun import _core
from onnxrun._binding import IOBinding
from onnxrun._errors import Fail, InvalidArgument
from onnxrun._options import (
    MAX_THREADS,
    GraphOptimizationLevel,
    RunOptions,
    SessionOptions,
    whole,
)
from onnxrun._profile import Profile
from onnxrun._values import Description, Kind, ModelMetadata, NodeArg, OrtValue
from onnxrun._watch import Collector, Weights, every

PROVIDER = "CPUExecutionProvider"
Providers = Sequence[Union[str, "tuple[str, Mapping[str, Any]]"]]

# Arguments by name that ONNX Runtime's class has, without a meaning here.
_IGNORED = {"disabled_optimizers", "enable_fallback", "read_config_from_model"}

_state = {"seed": 0}


def set_seed(seed: int) -> None:
    """The seed of random operators, for sessions made from here on without one in their options."""
    _state["seed"] = whole("seed", seed, 2**64 - 1)


def get_available_providers() -> list[str]:
    """What computes: the CPU."""
    return [PROVIDER]


class InferenceSession:
    """Loads a model and runs it, from any number of threads at once.

    Args:
        path_or_bytes: a path, or the bytes of a model. External data is found beside a path.
        sess_options: see SessionOptions.
        providers: names, or pairs of name and options. Those other than "CPUExecutionProvider" are
            warned about and left out.
        provider_options: accepted, and checked to be as many as the providers.

    Raises:
        NoSuchFile, InvalidProtobuf, InvalidGraph: the file is missing, no ONNX, wrong.
        Unsupported: it needs what this engine lacks; one message lists every operator.
    """

    def __init__(self, path_or_bytes: str | bytes | os.PathLike[Any],
                 sess_options: SessionOptions | None = None,
                 providers: Providers | None = None,
                 provider_options: Sequence[Mapping[str, Any]] | None = None,
                 **kwargs: Any) -> None:
        options = sess_options if sess_options is not None else SessionOptions()
        if not isinstance(options, SessionOptions):
            raise TypeError(f"sess_options is {type(options).__name__}, expected SessionOptions")
        for name in sorted(set(kwargs) - _IGNORED):
            warnings.warn(f"InferenceSession has no argument '{name}'", stacklevel=2)
        _check_providers(providers, provider_options)
        _check_providers(options._providers, None)
        self._sess_options = options
        self._profile = Profile(options.profile_file_prefix) if options.enable_profiling else None
        source, is_path = _source(path_or_bytes)
        # Programs read it from ONNX Runtime's class too, as they do _sess_options, _inputs_meta and
        # _outputs_meta.
        self._model_path = os.fsdecode(source) if is_path else None
        with _measured(self._profile, "model_loading"):
            self._core = _core.Session(
                source, is_path, min(max(options.intra_op_num_threads, 0), MAX_THREADS),
                options.memory_bytes, options.seed or _state["seed"], options.keep_denormals,
                options.graph_optimization_level == GraphOptimizationLevel.ORT_DISABLE_ALL,
                options.spin_us, options.limits)
        self._dimensions = dict(options._dimensions)
        self._inputs, self._outputs = self._core.signature()
        self._output_names = frozenset(declared[0] for declared in self._outputs)
        self._run = self._core.run

    # ---- what the model is ----

    def get_inputs(self) -> list[NodeArg]:
        """The inputs that a run needs, in the order of the file."""
        return [self._argument(declared) for declared in self._inputs
                if not _has_default(declared)]

    def get_overridable_initializers(self) -> list[NodeArg]:
        """The inputs that have a default in the file, which a run may replace."""
        return [self._argument(declared) for declared in self._inputs
                if _has_default(declared)]

    def get_outputs(self) -> list[NodeArg]:
        """The outputs, in the order of the file."""
        return [self._argument(declared) for declared in self._outputs]

    _inputs_meta = property(get_inputs)
    _outputs_meta = property(get_outputs)

    def _argument(self, declared: Description) -> NodeArg:
        argument = NodeArg(declared)
        argument.shape = [self._dimensions.get(dim, dim) if isinstance(dim, str) else dim
                          for dim in argument.shape]
        return argument

    def get_modelmeta(self) -> ModelMetadata:
        """What the file says about itself."""
        return ModelMetadata(self._core.info())

    def get_session_options(self) -> SessionOptions:
        return self._sess_options

    def get_providers(self) -> list[str]:
        return [PROVIDER]

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        return {PROVIDER: {}}

    def set_providers(self, providers: Providers | None = None,
                      provider_options: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Warns about providers that there are not; nothing else changes."""
        _check_providers(providers, provider_options)

    def enable_fallback(self) -> None:
        """Accepted: there is nothing to fall back to."""

    def disable_fallback(self) -> None:
        """Accepted: there is nothing to fall back to."""

    def get_stats(self) -> dict[str, Any]:
        """threads, isa, and bytes of memory: live_bytes and peak_bytes of runs, model_bytes."""
        return self._core.stats()

    # ---- runs ----

    def run(self, output_names: Sequence[str | every] | None, input_feed: Mapping[str, Any],
            run_options: RunOptions | None = None) -> list[Any]:
        """Computes outputs.

        Args:
            output_names: which ones; None or an empty list: all. Beside the model's outputs there
                may be the name of any intermediate value, if it is the first output of a node that
                is still there after fusions, and every("Softmax") for those of a type of node.
            input_feed: a value for each input. Arrays that are contiguous and of the declared type
                are read in place; others of the same type are copied; lists and numbers take the
                declared type. A list of arrays is a sequence, None an optional without element.
            run_options: see RunOptions.

        Returns:
            For each name a new array, a list of arrays for a sequence, None for an optional
            without element. Strings come in arrays of dtype object. For every(...) a dict of the
            values by name.

        Raises:
            InvalidArgument: a name, type, shape or value does not fit; the message says how to
                mend it. The session can be used on.
            KeyboardInterrupt: Ctrl-C stops a run.
        """
        if type(input_feed) is not dict:
            input_feed = _as_dict(input_feed)
        names = _as_names(output_names)
        if (self._dimensions or self._profile or run_options is not None
                or (names and not self._output_names.issuperset(names))):
            return self._run_with_more(names, input_feed, run_options)
        return self._run(names, input_feed, run_options, None, None)

    def _run_into(self, names: list[str], feed: dict[str, Any], run_options: RunOptions | None,
                  targets: list[Any]) -> list[Any]:
        """A run that writes outputs to the arrays that are given for them; these come back None."""
        return self._run_with_more(names, feed, run_options, targets)

    def _run_with_more(self, names: list[Any] | None, feed: dict[str, Any],
                       run_options: RunOptions | None,
                       targets: list[Any] | None = None) -> list[Any]:
        """A run that is measured, looked into, or has something to check before it."""
        self._check_run(feed, run_options)
        if names and not self._output_names.issuperset(names):
            return self._run_inside(names, feed, run_options)
        with _measured(self._profile, "model_run"):
            observer = self._profile.step if self._profile is not None else None
            return self._run(names, feed, run_options, observer, targets)

    def _run_inside(self, names: list[Any], feed: dict[str, Any],
                    run_options: RunOptions | None) -> list[Any]:
        """A run that also gives intermediate values."""
        outputs = [name for name in names if name in self._output_names]
        collector = Collector([name for name in names if name not in self._output_names],
                              [declared[0] for declared in self._outputs])
        results = dict(zip(outputs, self._run(outputs, feed, run_options, collector, None)))
        return [results[name] if name in results else collector.result(name) for name in names]

    def run_with_attention(self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any],
                           heads: str = "each", run_options: RunOptions | None = None
                           ) -> tuple[list[Any], dict[str, Any]]:
        """Computes outputs, and the weights with which each query looks at the keys.

        Args:
            output_names: which outputs of the model; None or an empty list: all.
            input_feed, run_options: see run.
            heads: "each", or "mean": the mean over heads.

        Returns:
            The outputs, the same bits as those of run; and a dict, in the order of the run, with an
            array of float32 for each attention: [batch, heads, queries, keys], or [batch, queries,
            keys] for the mean. Hidden keys weigh 0. Names are those of nodes, or of their outputs
            where nodes have none; one that runs again, in a loop, gets the name "...:2", and so on.
            What counts are the operators Attention, MultiHeadAttention and their like, and chains of
            nodes that fusions have made one operation.

        Raises:
            Fail: no operation of the model is an attention; explain(path) says what kept the nodes
                of one apart. With ORT_DISABLE_ALL all chains stay apart.
            InvalidArgument and others: as run.
        """
        if heads not in ("each", "mean"):
            raise InvalidArgument(f'heads is {heads!r}, expected "each" or "mean"')
        feed = input_feed if type(input_feed) is dict else _as_dict(input_feed)
        names = _as_names(output_names)
        self._check_run(feed, run_options)
        weights = Weights(heads == "mean")
        with _measured(self._profile, "model_run"):
            results = self._core.attend(names, feed, run_options, weights, heads == "mean")
        if not weights.arrays:
            raise Fail("no operation of the model is an attention: onnxrun.explain says what kept "
                       "the nodes of one apart")
        return results, weights.arrays

    def _check_run(self, feed: dict[str, Any], run_options: RunOptions | None) -> None:
        """Raises when a run is not to begin."""
        if run_options is not None and not isinstance(run_options, RunOptions):
            raise TypeError(f"run_options is {type(run_options).__name__}, expected RunOptions")
        if run_options is not None and run_options.terminate:
            raise Fail("the run was cancelled: terminate is set in its options")
        if self._dimensions:
            self._check_dimensions(feed)

    def _check_dimensions(self, feed: dict[str, Any]) -> None:
        """Raises when an input differs from what the options say of a symbolic dimension."""
        for name, _, _, shape, _ in self._inputs:
            value = feed.get(name)
            got = getattr(value.numpy() if isinstance(value, OrtValue) else value, "shape", ())
            for axis, dim in enumerate(shape or ()):
                wanted = self._dimensions.get(dim) if isinstance(dim, str) else None
                if wanted is not None and axis < len(got) and got[axis] != wanted:
                    raise InvalidArgument(
                        f'input "{name}": dimension {axis} ({dim}) is {got[axis]}, but the session '
                        f"options set it to {wanted}")

    def run_with_ort_values(self, output_names: Sequence[str] | None,
                            input_dict_ort_values: Mapping[str, OrtValue],
                            run_options: RunOptions | None = None) -> list[OrtValue]:
        """The same with OrtValue in and out."""
        return [OrtValue(value)
                for value in self.run(output_names, input_dict_ort_values, run_options)]

    def run_async(self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any],
                  callback: Any, user_data: Any,
                  run_options: RunOptions | None = None) -> None:
        """Runs in another thread, which then calls callback(results, user_data, error text)."""
        import threading

        def work() -> None:
            try:
                results = self.run(output_names, input_feed, run_options)
            except Exception as error:  # noqa: BLE001 - the callback gets whatever it is
                callback([], user_data, str(error))
            else:
                callback(results, user_data, "")

        threading.Thread(target=work, daemon=True).start()

    def io_binding(self) -> IOBinding:
        """A set of inputs and outputs for run_with_iobinding."""
        return IOBinding(self)

    def run_with_iobinding(self, iobinding: IOBinding,
                           run_options: RunOptions | None = None) -> None:
        """Runs with the inputs of the binding, and writes or keeps its outputs there."""
        if not isinstance(iobinding, IOBinding):
            raise TypeError(f"iobinding is {type(iobinding).__name__}, expected IOBinding")
        if iobinding._session is not self:
            raise InvalidArgument("the binding is of another session: make one with io_binding()")
        iobinding._run(run_options)

    # ---- profiling ----

    def get_profiling_start_time_ns(self) -> int:
        return self._profile.start_ns if self._profile is not None else 0

    def end_profiling(self) -> str:
        """Writes the trace, which Perfetto and chrome://tracing open; returns its path.

        It has the time of loading, of each run and of each node in it. "" when profiling was not
        asked for.
        """
        if self._profile is None:
            return ""
        profile, self._profile = self._profile, None
        return profile.write()


def _as_names(output_names: Any) -> list[Any] | None:
    """The names as a list; None stands for all outputs."""
    if isinstance(output_names, str):
        raise TypeError(f'output_names is a str, expected a list: ["{output_names}"]')
    return list(output_names) if output_names else None


def _as_dict(feed: Any) -> dict[str, Any]:
    if not isinstance(feed, Mapping):
        raise InvalidArgument(f"input_feed is a {type(feed).__name__}, expected a dict of arrays "
                              "by the names of inputs")
    return dict(feed)


def _has_default(declared: Description) -> bool:
    return declared[4] and declared[1] == Kind.TENSOR


def _source(path_or_bytes: Any) -> tuple[bytes, bool]:
    """The path or the model as bytes, and whether it is a path."""
    if isinstance(path_or_bytes, (bytes, bytearray, memoryview)):
        return bytes(path_or_bytes), False
    if isinstance(path_or_bytes, (str, os.PathLike)):
        return os.fsencode(path_or_bytes), True
    raise TypeError(f"the model is a {type(path_or_bytes).__name__}, expected a path or bytes; "
                    "of an onnx.ModelProto pass model.SerializeToString()")


def _check_providers(providers: Providers | None,
                     provider_options: Sequence[Mapping[str, Any]] | None) -> None:
    """Warns about those that there are not."""
    if provider_options and len(provider_options) != len(providers or ()):
        raise ValueError(f"there are {len(provider_options)} provider_options for "
                         f"{len(providers or ())} providers")
    for provider in [providers] if isinstance(providers, str) else providers or ():
        name = provider[0] if isinstance(provider, (tuple, list)) and provider else provider
        if name != PROVIDER:
            warnings.warn(f"Specified provider '{name}' is not in available provider names. "
                          f"Available providers: '{PROVIDER}'", stacklevel=3)


def _measured(profile: Profile | None, name: str) -> Any:
    from contextlib import nullcontext

    return profile.measure(name) if profile is not None else nullcontext()
