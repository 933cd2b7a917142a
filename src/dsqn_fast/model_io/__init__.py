"""The .npz policy file: the only part of the package that knows the format.

`numpy.load(path, allow_pickle=False)` reads it too. The entry ``header`` holds JSON in UTF-8
bytes; all other entries are arrays named by layer, such as ``layer0.weight``.

    layout    limits and names, shared by reading and writing
    header    strict JSON
    encode    a model as a header and arrays
    stored_weights  the forms of weights in it
    plan      a header as the list of layers and arrays that it promises
    decode    a header and arrays as a model
    values    stored values as those of the model
    archive   the zip container, read without trust
    npy       one array as the bytes of its entry
    recognise whether a file is a policy
    save      `save_policy`
    load      `load_policy`
    text      header and arrays for other files that can hold both
"""

from dsqn_fast.model_io.load import load_policy
from dsqn_fast.model_io.recognise import is_policy_file
from dsqn_fast.model_io.save import save_policy
from dsqn_fast.model_io.text import policy_from_text, policy_to_text

__all__ = ["is_policy_file", "load_policy", "policy_from_text", "policy_to_text", "save_policy"]
