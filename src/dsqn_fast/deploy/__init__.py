"""Simulators and chips that a policy is handed over to, each verified against the engine.

target         what a target can do: say what it cannot run, name its counterpart, run
catalogue      the targets and exporters by name, imported when they are used
versions       which versions of a foreign package are supported
interpreters   which Python runs which target
server         what a target's process does
backend        the other end of that process: a simulator that an agent can play with
result         what a target's run came to, with the meaning of the engine's result
comparison     a target and the engine on the same observations, neuron by neuron
verdict        exact, faithful, approximate or unsupported
report         the verification report
verify         `verify`
rasters        the picture of ours and theirs
export         `export_policy`

Every target runs in a process of its own, that may have another Python: kernels and
configurations of simulators are global state, and a crash there is an error here.
"""
