"""SpiNNaker: `IF_curr_delta` of sPyNNaker, emulated bit for bit, and built by its tool chain.

arithmetic   the integers of the neuron and of its synapses
settings     what can be chosen: membrane, reset, scale of the weights
layout       a policy as integers and as what sPyNNaker is given
resets       potentials after a spike, learned from decisions
emulator     decisions, with NumPy, on those integers
preflight    what a layout loses, before anything runs
target       the target ``spinnaker-emulated``
causes       which property of the chip costs how much
export       a PyNN script, its arrays, and the pre-flight report
toolchain    that script on a virtual board: placements, routes, weights in memory

Everything here is emulated: nothing was measured on a board.
"""
