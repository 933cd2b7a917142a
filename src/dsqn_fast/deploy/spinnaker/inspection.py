"""What sPyNNaker made of a network: placements, routes, shifts, and the words in memory.

A program: ``python inspection.py SCRIPT WEIGHTS.npz RESULT.npz`` builds the network of an exported
script for a virtual board in this process and writes what is to be written to the board's
memory. Needs sPyNNaker and NumPy alone.

A row of synapses has three words, of which the second counts the others, each of them ::

    weight (16 bits), delay, synapse type (1 bit), target

and cells have their parameters one after the other: nine words each of the membrane, then the
time step of every cell, then the threshold of every cell.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import numpy as np

HEADER = 3
MEMBRANE = 9  # v, v_rest, cm, tau_m, i_offset, v_reset, tau_refrac, refractory timer, time step
POP_TABLE, MATRIX, PARAMETERS = 5, 6, 2  # regions of a core's memory
ENTRY = 5  # words of an entry of the population table
ALIGNMENT = 4  # words that an address counts


def load_script(path):
    """The exported script as a module."""
    spec = importlib.util.spec_from_file_location("network_script", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def database():
    """The tool chain's data specification of this run."""
    view = importlib.import_module("spinn_front_end_common.data").FecDataView
    return sqlite3.connect(view.get_ds_database_path())


def data_view():
    """Where sPyNNaker keeps what it knows of the network."""
    return importlib.import_module("spynnaker.pyNN.data").SpynnakerDataView


def region(connection, placement, number):
    """The words of a region of a core's memory."""
    query = "SELECT content FROM region WHERE x=? AND y=? AND p=? AND region_num=?"
    row = connection.execute(query, (placement.x, placement.y, placement.p, number)).fetchone()
    return np.frombuffer(row[0] or b"", "<u4") if row else np.zeros(0, np.uint32)


def blocks(table):
    """(first word, words per row) of every block of synapses in the order of the table."""
    if not len(table):
        return []
    n_entries, n_addresses = int(table[0]), int(table[1])
    addresses = table[2 + ENTRY * n_entries :][:n_addresses]
    return [
        (int(word >> 8) * ALIGNMENT, int(word & 0xFF) + 1 + HEADER)
        for word in addresses
        if word >> 8 != 0xFFFFFF
    ]


def synapses(words, table, target_bits):
    """(block, source, synapse type, target, delay, weight) of every synapse on a core."""
    starts = blocks(table)
    ends = [*(start for start, _ in starts[1:]), len(words)][: len(starts)]
    found = []
    for block, ((start, length), end) in enumerate(zip(starts, ends, strict=True)):
        rows = words[start : start + (end - start) // length * length].reshape(-1, length)
        for number, row in enumerate(rows):
            for word in row[HEADER : HEADER + int(row[1])]:
                low = int(word) & 0xFFFF
                target, rest = low & (2**target_bits - 1), low >> target_bits
                found.append((block, number, rest & 1, target, rest >> 1, int(word) >> 16))
    return np.array(found, np.int64).reshape(-1, 6)


def parameters(words, count):
    """(cells, 10) s16.15: the membrane's nine words and the threshold."""
    integers = words.view("<i4")[1:]
    membrane = integers[: MEMBRANE * count].reshape(count, MEMBRANE)
    threshold = integers[(MEMBRANE + 1) * count :][:count]
    return np.column_stack([membrane, threshold])


def population(connection, cells):
    """What is known of one population, its synapses and the parameters of its cells."""
    vertex = cells._vertex
    cores, found, settings = [], [], []
    # As many bits as the largest number of cells on a core takes.
    largest = min(vertex.get_max_atoms_per_core(), vertex.n_atoms)
    target_bits = max(1, (largest - 1).bit_length())
    for machine_vertex in sorted(vertex.machine_vertices, key=lambda v: v.vertex_slice.lo_atom):
        placement = data_view().get_placement_of_vertex(machine_vertex)
        first = int(machine_vertex.vertex_slice.lo_atom)
        count = int(machine_vertex.vertex_slice.n_atoms)
        place = {"x": int(placement.x), "y": int(placement.y), "p": int(placement.p)}
        cores.append({**place, "first": first, "cells": count})
        matrix, table = (region(connection, placement, k) for k in (MATRIX, POP_TABLE))
        here = synapses(matrix, table, target_bits)
        here[:, 3] += first
        found.append(here)
        settings.append(parameters(region(connection, placement, PARAMETERS), count))
    words = {
        "label": vertex.label,
        "cores": cores,
        "shifts": [int(p) for p in vertex.get_ring_buffer_shifts()],
    }
    return words, np.concatenate(found), np.concatenate(settings)


def routes():
    """Router entries: [x, y, key, mask, spinnaker route]."""
    tables = data_view().get_uncompressed().routing_tables
    return [
        [table.x, table.y, int(entry.key), int(entry.mask), int(entry.spinnaker_route)]
        for table in tables
        for entry in table.multicast_routing_entries
    ]


def main(script_path, weights, result):
    """Build, inspect, write."""
    script = load_script(script_path)
    policy = script.load(weights)
    arrays: dict[str, Any] = {}
    report: dict[str, Any] = {}

    def inspect(network):
        connection = database()
        report["populations"] = []
        for index, cells in enumerate(network.cells):
            words, found, settings = population(connection, cells)
            report["populations"].append(words)
            arrays[f"synapses{index}"] = found
            arrays[f"parameters{index}"] = settings
        report["routes"] = routes()
        connection.close()

    script.decide(policy, np.zeros((1, policy[0]["inputs"])), inspect=inspect)
    arrays["report"] = np.frombuffer(json.dumps(report).encode(), np.uint8)
    np.savez(result, **arrays)


if __name__ == "__main__":
    main(*(str(Path(word).resolve()) for word in sys.argv[1:4]))
