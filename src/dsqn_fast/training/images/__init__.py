"""Training of convolutional networks on games that are seen as images.

settings  hyperparameters          games    games side by side, and what happens in them
network   actor-critic and Q       rollout  a stretch of play of all games
ppo, pqn  what is learned from it  loop     play and learn at once; checkpoints that go on exactly
dqn       Stable-Baselines3's DQN  dqn_loop the same for it, with the memory of frame_memory
"""

from dsqn_fast.training.images.settings import IMAGE_METHODS, ImageSettings, image_preset
from dsqn_fast.training.images.train import train_on_images

__all__ = ["IMAGE_METHODS", "ImageSettings", "image_preset", "train_on_images"]
