"""The engine beside what a user would pick instead: same networks, same inputs, same machine.

nets             the networks and observations that are timed
policy_nets      policy files as such networks
seeded_nets      such networks made from a seed, at a chosen density of spikes
peers/           one file per simulator, each a class with the same five methods
interpreters     which Python runs which peer: packages that clash live apart
stopwatch        what each peer's worker process does: a network, observations, the clock
team             the worker processes of all peers
rounds           all peers take turns, so that noise of the machine meets each of them
agreement        do they decide alike?
report           what came out, as dataclasses and as JSON
bars             the picture
"""
