"""The tokenizer from the device bank: first all of it, then its decoders on partly wrong tokens.

In the first stage encoders, codebooks and decoders learn together. Then encoders and codebooks stay
as they are, so tokens do, and the decoders go on with tokens of which some are wrong in half of the
windows: a transformer's tokens do not all fit together, and a decoder that only ever saw such that
do makes a body that slows down of them.

B batch, T frames, C channels, L token places, P streams.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ...motion.config import TokenizerConfig
from ...motion.networks.quantizer import RESET_EVERY
from ...motion.networks.tokenizer import Tokenizer
from .device_bank import FeatureBank
from .device_steps import DeviceStep, run_steps
from .loop import Plan, Run, autocast
from .losses import TokenizerLoss

CLEAN_SHARE = 0.5
"""Of the windows keep all their tokens: what is encoded must come back."""

MOST_WRONG = 0.3
"""Of a window's tokens are replaced by random ones, at most."""

_CHECK_WINDOWS = 4  # times a batch
_REPORT_EVERY = 500

Log = Callable[[str, Mapping[str, object]], None]
"""What happened, and figures of it."""


@dataclass(frozen=True)
class TokenizerPlan:
    """seconds: of both stages. decoder_share: of them for the second. frames: of a window."""

    seconds: float
    batch: int = 256
    frames: int = 64
    rate: float = 6e-4
    decoder_rate: float = 3e-4
    decoder_share: float = 0.35
    precision: str = "bfloat16"
    capture: bool = False
    seed: int = 0


def with_wrong_tokens(tokens_BLP: Tensor, codes: int, rng: torch.Generator | None = None) -> Tensor:
    """The grid with random codes in some cells of about half the rows."""
    rows, device = len(tokens_BLP), tokens_BLP.device
    share_B = MOST_WRONG * torch.rand(rows, generator=rng, device=device)
    clean_B = torch.rand(rows, generator=rng, device=device) < CLEAN_SHARE
    share_B = torch.where(clean_B, 0.0, share_B)
    wrong = torch.rand(tokens_BLP.shape, generator=rng, device=device) < share_B[:, None, None]
    noise = torch.randint(codes, tokens_BLP.shape, generator=rng, device=device)
    return torch.where(wrong, noise, tokens_BLP)


def freeze_but_decoders(tokenizer: Tokenizer) -> None:
    """Leave gradients to the decoders alone; no codebook moves either."""
    tokenizer.eval()
    for part in tokenizer.part_tokenizers:
        part.encoder.requires_grad_(False)


class TokenizerTraining:
    """One tokenizer on its way. held_out: a bank to check on."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        bank: FeatureBank,
        held_out: FeatureBank | None,
        plan: TokenizerPlan,
        log: Log,
    ) -> None:
        self.tokenizer, self._bank, self._plan, self._log = tokenizer, bank, plan, log
        self._loss = TokenizerLoss(tokenizer.mean_C, tokenizer.std_C).to(bank.device)
        windows = _CHECK_WINDOWS * plan.batch
        self._check = None if held_out is None else held_out.windows(windows, plan.frames)

    def fit(self, encoders: bool = True) -> Tokenizer:
        """Train both stages (or the decoders alone); the averaged weights are loaded."""
        plan, tokenizer = self._plan, self.tokenizer
        share = plan.decoder_share if encoders else 1.0
        if encoders:
            tokenizer.train()
            self._stage("tokenizer", plan.rate, 1.0 - share, self._whole_loss, _inspects)
        freeze_but_decoders(tokenizer)
        self._stage("decoders", plan.decoder_rate, share, self._decoder_loss, _never)
        return tokenizer

    def _stage(
        self,
        name: str,
        rate: float,
        share: float,
        loss: Callable[[], Tensor],
        inspects: Callable[[int], bool],
    ) -> None:
        plan = Plan(share * self._plan.seconds / 60, rate, seed=self._plan.seed, weight_decay=0.0)
        run = Run.start(self.tokenizer, plan)

        def body() -> Tensor:
            found = loss()
            run.descend(found)
            return found.detach()

        captured = DeviceStep(body, self._plan.capture, inspects)

        def step(number: int) -> Tensor:
            for book in self.tokenizer.codebooks:
                book.inspects = not self._plan.capture or inspects(number)
            return captured(number)

        def after(steps: int, value: Callable[[], float]) -> None:
            if steps % _REPORT_EVERY == 0:
                self._log(name, {"step": steps, "seconds": run.seconds, "loss": value()})

        torch.backends.cudnn.benchmark = True  # all steps have one shape
        run_steps(run, plan, step, after)
        torch.backends.cudnn.benchmark = False
        self.tokenizer.load_state_dict(run.ema)
        self._log(name, {"step": run.step, "seconds": run.seconds, **self.check()})

    def _normalised(self, features_BTC: Tensor, valid_BT: Tensor) -> Tensor:
        return self.tokenizer.normalise(features_BTC) * valid_BT[..., None]

    def _draw(self) -> tuple[Tensor, Tensor]:
        features_BTC, valid_BT = self._bank.windows(self._plan.batch, self._plan.frames)
        return self._normalised(features_BTC, valid_BT), valid_BT

    def _whole_loss(self) -> Tensor:
        features_BTC, valid_BT = self._draw()
        with autocast(self._bank.device, self._plan.precision):
            output = self.tokenizer(features_BTC, valid_BT)
        made = output.reconstruction_BTC
        return self._loss(made, features_BTC, valid_BT, output.commitment)[0]

    def _decoder_loss(self) -> Tensor:
        features_BTC, valid_BT = self._draw()
        with autocast(self._bank.device, self._plan.precision):
            with torch.no_grad():
                tokens_BLP = self.tokenizer.encode(features_BTC)
            wrong_BLP = with_wrong_tokens(tokens_BLP, self.tokenizer.config.codes)
            made_BTC = self.tokenizer.decode(wrong_BLP)
        nothing = made_BTC.new_zeros(())
        return self._loss(made_BTC, features_BTC, valid_BT, nothing)[0]

    @torch.inference_mode()
    def check(self) -> dict[str, object]:
        """Errors on held-out windows, in full precision."""
        if self._check is None:
            return {}
        features_BTC, valid_BT = self._check
        normal_BTC = self._normalised(features_BTC, valid_BT)
        made_BTC = self.tokenizer.decode(self.tokenizer.encode(normal_BTC))
        _, terms = self._loss(made_BTC, normal_BTC, valid_BT, made_BTC.new_zeros(()))
        dead = self.tokenizer.dead_codes
        errors = {name: round(float(value), 5) for name, value in terms.items()}
        return {**errors, "dead": dead}


def new_tokenizer(config: TokenizerConfig, bank: FeatureBank, seed: int) -> Tokenizer:
    """An untrained tokenizer with the bank's statistics, on its device."""
    torch.manual_seed(seed)
    tokenizer = Tokenizer(config)
    tokenizer.set_statistics(*bank.statistics())
    return tokenizer.to(bank.device)


def _inspects(step: int) -> bool:
    """Steps at which the codebooks are looked at (the first, and where dead codes are revived)."""
    return step == 0 or (step + 1) % RESET_EVERY == 0


def _never(step: int) -> bool:
    del step
    return False
