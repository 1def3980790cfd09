"""A policy that controls a Gymnasium environment, searched for without gradients.

    lamcts check my_task.py
    lamcts run my_task.py --set env=CartPole-v1

Needs ``pip install gymnasium``.
"""

import numpy as np

import lamcts
from lamcts.errors import DependencyNotInstalled, InvalidArgument

try:
    import gymnasium
except ImportError as error:
    raise DependencyNotInstalled(
        "this problem needs Gymnasium, which is not installed; run: pip install gymnasium"
    ) from error


class MyTask(lamcts.Evaluator):
    """Weights of a linear policy, by the mean return of some episodes: change ``act``."""

    direction = "maximize"
    default_budget = 100

    def __init__(self, env="Acrobot-v1", episodes=5, seed=0):
        """Settings: ``lamcts run my_task.py --set env=CartPole-v1``."""
        try:
            self.env = gymnasium.make(env)
        except gymnasium.error.Error as error:
            raise InvalidArgument(f"env: {env!r} cannot be made: {error}") from error
        self.episodes, self.seed = episodes, seed
        actions = self.env.action_space
        self.discrete = isinstance(actions, gymnasium.spaces.Discrete)
        outputs = int(actions.n) if self.discrete else int(np.prod(actions.shape))
        inputs = int(np.prod(self.env.observation_space.shape)) + 1
        self.shape = (outputs, inputs)
        self.space = lamcts.spaces.Box(-1.0, 1.0, shape=(outputs * inputs,))

    def act(self, weights, observation):
        """The policy: a linear map of the observation and 1, within the environment's bounds."""
        output = weights @ np.append(np.ravel(observation), 1.0)
        if self.discrete:
            return int(output.argmax())
        low, high = self.env.action_space.low, self.env.action_space.high
        return np.clip(output.reshape(low.shape), low, high).astype(low.dtype)

    def evaluate(self, x):
        """The mean return of the same episodes for every policy, reported after each."""
        return self.mean_return(x, first_seed=self.seed, report=True)

    def test(self, x):
        """The mean return of 20 other episodes."""
        return {"test_return": self.mean_return(x, first_seed=self.seed + 1000, episodes=20)}

    def mean_return(self, x, *, first_seed, episodes=None, report=False):
        """Play episodes, each from its own seed."""
        weights = x.reshape(self.shape)
        returns = []
        for number in range(episodes or self.episodes):
            observation, _ = self.env.reset(seed=first_seed + number)
            total, done = 0.0, False
            while not done:
                action = self.act(weights, observation)
                observation, reward, terminated, truncated, _ = self.env.step(action)
                total += float(reward)
                done = terminated or truncated
            returns.append(total)
            if report:
                self.report(len(returns), float(np.mean(returns)))
        return float(np.mean(returns))

    def close(self):
        """Free the environment."""
        self.env.close()
