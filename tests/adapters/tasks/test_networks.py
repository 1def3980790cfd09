"""The networks of the ready-made tasks: shapes, what they may see, and equal parts of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from lamcts.adapters.tasks.counting import count  # noqa: E402
from lamcts.adapters.tasks.networks.language import (  # noqa: E402
    RecurrentLanguageModel,
    TransformerLanguageModel,
)
from lamcts.adapters.tasks.networks.segmentation import UNet  # noqa: E402
from lamcts.adapters.tasks.networks.text import READERS, TextClassifier  # noqa: E402
from lamcts.adapters.tasks.networks.transformer import POSITIONS, Blocks, Shape  # noqa: E402
from lamcts.adapters.tasks.networks.vision import BLOCKS, ConvNet, Normalise  # noqa: E402

Build = Callable[[], nn.Module]


def transformer(positions: Any) -> Build:
    return lambda: TransformerLanguageModel(
        12, Shape(2, 16, heads=2, positions=positions, length=10)
    )


LANGUAGE: list[Build] = [
    *(transformer(positions) for positions in POSITIONS),
    lambda: RecurrentLanguageModel(12, layers=2, width=8),
]


@pytest.mark.parametrize("build", LANGUAGE)
def test_a_language_model_never_sees_what_it_predicts(build: Build) -> None:
    torch.manual_seed(0)
    model = build().eval()
    text = torch.randint(12, (3, 10))
    scores = model(text)
    assert scores.shape == (3, 12, 10)
    changed = text.clone()
    changed[:, 6:] = (changed[:, 6:] + 1) % 12
    torch.testing.assert_close(model(changed)[:, :, :6], scores[:, :, :6])
    assert not torch.allclose(model(changed)[:, :, 6:], scores[:, :, 6:])


@pytest.mark.parametrize("positions", POSITIONS)
def test_positions_are_told_unless_not_to_be(positions: Any) -> None:
    torch.manual_seed(0)
    shape = Shape(1, 16, heads=2, positions=positions, length=6)
    blocks = Blocks(shape, causal=False).eval()
    x = torch.randn(1, 6, 16)
    turned = blocks(x.flip(1)).flip(1)
    assert torch.allclose(blocks(x), turned, atol=1e-5) == (positions == "none")


def test_a_block_is_pytorchs_encoder_layer() -> None:
    torch.manual_seed(0)
    ours = Blocks(Shape(1, 16, heads=4, ffn=2.0, positions="none"), causal=False).eval()
    theirs = nn.TransformerEncoderLayer(
        16, 4, 32, 0.0, "gelu", batch_first=True, norm_first=True
    ).eval()
    block: Any = ours.blocks[0]
    weights = {
        "self_attn.in_proj_weight": block.attention.inward.weight,
        "self_attn.in_proj_bias": block.attention.inward.bias,
        "self_attn.out_proj.weight": block.attention.outward.weight,
        "self_attn.out_proj.bias": block.attention.outward.bias,
        "linear1.weight": block.feed_forward[0].weight,
        "linear1.bias": block.feed_forward[0].bias,
        "linear2.weight": block.feed_forward[2].weight,
        "linear2.bias": block.feed_forward[2].bias,
        **{f"norm{i + 1}.{n}": p for i in (0, 1) for n, p in block.norms[i].named_parameters()},
    }
    theirs.load_state_dict(weights)
    x = torch.randn(2, 5, 16)
    torch.testing.assert_close(block(x), theirs(x))


def test_rotary_scores_depend_on_distances_alone() -> None:
    torch.manual_seed(0)
    blocks = Blocks(Shape(1, 8, heads=1, positions="rotary", length=9), causal=False)
    attention: Any = blocks.blocks[0]
    attention = attention.attention
    query, key = torch.randn(8), torch.randn(8)
    turned_query = attention._turned(query.expand(1, 1, 9, 8))[0, 0]
    turned_key = attention._turned(key.expand(1, 1, 9, 8))[0, 0]
    products = turned_query @ turned_key.T
    for distance in range(-4, 5):
        line = products.diagonal(distance)
        torch.testing.assert_close(line, line[:1].expand_as(line))


@pytest.mark.parametrize("reader", READERS)
def test_a_text_is_read_up_to_its_end(reader: Any) -> None:
    torch.manual_seed(0)
    model = TextClassifier(20, 3, embedding=16, reader=reader, width=8, layers=1, length=12).eval()
    texts = torch.randint(1, 20, (4, 12))
    texts[1:, 7:] = 0
    assert model(texts).shape == (4, 3)
    assert torch.isfinite(model(torch.zeros(1, 12, dtype=torch.long))).all()
    if reader == "mean":  # the others see where a text ends
        torch.testing.assert_close(model(texts[1:, :7]), model(texts[1:]))


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("extras", [False, True])
def test_images_are_classified(block: Any, extras: bool) -> None:
    model = ConvNet(
        3, 5, width=8, stages=3, depth=2, kernel=5, block=block, squeeze=extras, attention=extras
    )
    assert model(torch.rand(2, 3, 8, 8)).shape == (2, 5)
    assert all(weights.requires_grad for weights in model.parameters())


@pytest.mark.parametrize("skip", [False, True])
def test_pixels_are_classified(skip: bool) -> None:
    for levels in (1, 2, 3):
        model = UNet(1, 4, width=4, levels=levels, block="inverted", skip=skip)
        assert model(torch.rand(2, 1, 12, 8)).shape == (2, 4, 12, 8)


def test_images_are_normalised_inside() -> None:
    images = torch.rand(50, 2, 3, 3) * torch.tensor([1.0, 0.1])[:, None, None]
    mean, std = images.mean((0, 2, 3)), images.std((0, 2, 3), correction=0)
    scaled = Normalise(mean.tolist(), std.tolist())(images)
    torch.testing.assert_close(scaled.mean((0, 2, 3)), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std((0, 2, 3), correction=0), torch.ones(2))


def test_counting() -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Flatten(), nn.Linear(4 * 36, 7))

    _, outputs, macs = count(build, torch.zeros(1, 2, 6, 6))
    assert outputs.shape == (1, 7)
    assert macs == 36 * 4 * 2 * 9 + 4 * 36 * 7
