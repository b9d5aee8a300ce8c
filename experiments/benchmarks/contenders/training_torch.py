"""Trains as one would with PyTorch: the same networks, objectives, optimisers and averages of weights."""

import math
from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional as F  # pyright: ignore[reportMissingImports]

from experiments.benchmarks.contenders import training_case as case
from experiments.benchmarks.task import Task
from recjax.models.inr.network import LEAK_Q10, W0, INRShape, fourier_features
from recjax.models.likelihoods import logistic

_SCALES = (-12.0, 2.0)
_COUNTS = torch.arange(256.0)
_LOG_CHOOSE = math.lgamma(256) - torch.lgamma(_COUNTS + 1) - torch.lgamma(256 - _COUNTS)


def prepare(name: str, size: int) -> Task:
    """Prepares training.

    Args:
        name: Likelihood of a VAE, or "inr" for implicit representations.
        size: Number of images or pictures.

    Returns:
        The code; its amount is the number of images, for "inr" times the number of steps.
    """
    return _inr(size) if name == "inr" else _vae(name, size)


def _network(inputs: int, hidden: tuple[int, ...], outputs: int) -> nn.Sequential:
    layers, width = [], inputs
    for wide in hidden:
        layers += [nn.Linear(width, wide), nn.ReLU(), nn.Dropout(case.DROPOUT)]
        width = wide
    return nn.Sequential(*layers, nn.Linear(width, outputs))


def _log_prob(likelihood: str, outputs: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    if likelihood == "bernoulli":
        logit = outputs[..., 0].clamp(-case.MAX_LOGIT, case.MAX_LOGIT)
        return -F.binary_cross_entropy_with_logits(logit, x, reduction="none")
    if likelihood == "discretised_logistic":
        return _discretised_logistic(outputs, x)
    logit = outputs[..., 0].clamp(-case.MAX_LOGIT, case.MAX_LOGIT)
    total = outputs[..., 1].clamp(case.MIN_LOG_TOTAL, case.MAX_LOG_TOTAL)
    alpha, beta = torch.exp(total + F.logsigmoid(logit)), torch.exp(total + F.logsigmoid(-logit))
    both = torch.lgamma(x + alpha) + torch.lgamma(255 - x + beta) - torch.lgamma(255 + alpha + beta)
    return _LOG_CHOOSE[x.long()] + both + torch.lgamma(alpha + beta) - torch.lgamma(alpha) - torch.lgamma(beta)


def _discretised_logistic(outputs: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    mean = outputs[..., 0].clamp(-logistic.MAX_MEAN, logistic.MAX_MEAN)
    precision = torch.exp(-outputs[..., 1].clamp(logistic.MIN_LOG_SCALE, logistic.MAX_LOG_SCALE))
    width = logistic.SPAN / 256
    low = (x * width - logistic.SPAN / 2 - mean) * precision
    # A difference of two logistic functions would be faster, but loses all precision and its gradient in the tails.
    up_to = F.logsigmoid(low + width * precision).masked_fill(x == 255, 0.0)
    from_on = F.logsigmoid(-low).masked_fill(x == 0, 0.0)
    inner = torch.log(-torch.expm1(-width * precision)).masked_fill((x == 0) | (x == 255), 0.0)
    return up_to + from_on + inner


def _vae(likelihood: str, count: int) -> Task:
    levels = 2 if likelihood == "bernoulli" else 256
    per_pixel = 1 if likelihood == "bernoulli" else 2
    encoder = _network(case.PIXELS, case.HIDDEN, 2 * case.LATENTS)
    decoder = _network(case.LATENTS, case.HIDDEN[::-1], case.PIXELS * per_pixel)
    parameters: list[Any] = [*encoder.parameters(), *decoder.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=case.LEARNING_RATE, weight_decay=case.WEIGHT_DECAY)
    average = [p.detach().clone() for p in parameters]
    images = torch.from_numpy(case.images(levels, count))

    def epoch() -> None:
        for rows in torch.randperm(count).split(case.BATCH):
            x = images[rows].float()
            mean, log2_scale = encoder(x / (levels - 1)).chunk(2, dim=-1)
            log2_scale = log2_scale.clamp(*_SCALES)
            z = mean + torch.exp2(log2_scale) * torch.randn_like(mean)
            outputs = decoder(z).reshape(len(x), case.PIXELS, per_pixel)
            kl = 0.5 * (torch.exp2(2 * log2_scale) + mean * mean - 1) - math.log(2) * log2_scale
            loss = (kl.sum(-1) - _log_prob(likelihood, outputs, x).sum(-1)).mean() / (case.PIXELS * math.log(2))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, case.CLIP)
            optimiser.step()
            with torch.no_grad():
                torch._foreach_lerp_(average, parameters, 1 - case.AVERAGE)

    return Task({"train": (epoch, count)})


def _inr(count: int) -> Task:
    shape = INRShape()
    maps = []
    for latents, (inputs, outputs) in zip(shape.latents, shape.layers, strict=True):
        bound = math.sqrt(6.0 / inputs) / W0
        bias = (torch.rand((inputs + 1) * outputs) * 2 - 1) * bound
        maps.append((torch.randn(latents, len(bias)) * 0.5 * bound / math.sqrt(3.0 * latents), bias))
    upsampler, wide = [], shape.encodings
    for outputs, scale in shape.upsampling:
        kernel = torch.randn(scale * scale * outputs, wide, 3, 3) * math.sqrt(2.0 / (9 * wide))
        upsampler.append((kernel, torch.zeros(scale * scale * outputs), scale))
        wide = outputs
    places = torch.from_numpy(fourier_features(shape))
    pixels = torch.from_numpy(case.pictures(count)).permute(0, 3, 1, 2).reshape(count, 3, -1).float() / 255
    mean = torch.zeros(count, shape.variables, requires_grad=True)
    log_scale = torch.full((count, shape.variables), -4.0, requires_grad=True)
    optimiser = torch.optim.Adam([mean, log_scale], lr=case.INR_LEARNING_RATE, betas=(0.9, 0.99))

    def render(variables: torch.Tensor) -> torch.Tensor:
        *layers, encoding = variables.split((*shape.latents, shape.variables - sum(shape.latents)), dim=1)
        x = encoding.reshape(count, *shape.grid, shape.encodings).permute(0, 3, 1, 2)
        for number, (kernel, bias, scale) in enumerate(upsampler):
            x = F.conv2d(x, kernel, bias, padding=1)
            x = F.leaky_relu(x, LEAK_Q10 / 1024) if number + 1 < len(upsampler) else x
            x = F.pixel_shuffle(x, scale)
        x = torch.cat([places.expand(count, -1, -1), x.reshape(count, x.shape[1], -1)], 1)
        for number, ((kernel, bias), (inputs, outputs)) in enumerate(zip(maps, shape.layers, strict=True)):
            weights = (layers[number] @ kernel + bias).reshape(count, inputs + 1, outputs)
            x = torch.baddbmm(weights[:, -1:].transpose(1, 2), weights[:, :-1].transpose(1, 2), x)
            x = torch.sin(W0 * x) if number + 1 < len(maps) else x + 0.5
        return x

    def steps() -> None:
        for _ in range(case.INR_STEPS):
            units = mean + torch.exp(log_scale) * torch.randn_like(mean)
            errors = (render(case.INR_PRIOR_SCALE * units) - pixels).square().sum()
            kl = 0.5 * (mean * mean + torch.expm1(2 * log_scale)) - log_scale
            optimiser.zero_grad(set_to_none=True)
            (case.INR_WEIGHT * errors + kl.sum()).backward()
            optimiser.step()

    return Task({"train": (steps, count * case.INR_STEPS)})
