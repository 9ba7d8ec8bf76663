import torch
from transformers import LlamaConfig, LlamaForCausalLM

from flashstream.models.demo.batch import IGNORED, Chapter, Turn, pack_chapters


def _model() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=0,
    )
    return LlamaForCausalLM(config).eval()


def test_questions_packed_together_see_what_they_would_see_alone() -> None:
    model = _model()
    table = model.get_input_embeddings().weight
    chapters = [
        Chapter(torch.randn(7, 32), [Turn([3, 4, 5], [6, 2]), Turn([8], [9, 10, 2])]),
        Chapter(torch.randn(4, 32), [Turn([11, 12], [13, 2])]),
    ]
    packed = pack_chapters(chapters, table)
    with torch.no_grad():
        together = model(
            inputs_embeds=packed.embeds,
            attention_mask=packed.mask,
            position_ids=packed.positions,
        ).logits[0]
        turn = 0
        for chapter in chapters:
            for each in chapter.turns:
                turn += 1
                text = table[[*each.question, *each.answer]]
                alone = model(inputs_embeds=torch.cat([chapter.prefix, text])[None]).logits[0]
                mine = together[packed.turns == turn]
                torch.testing.assert_close(mine, alone[len(chapter.prefix) :], atol=1e-5, rtol=1e-4)


def test_only_answers_are_targets_and_each_is_asked_of_the_token_before() -> None:
    table = torch.randn(50, 8)
    packed = pack_chapters([Chapter(torch.randn(2, 8), [Turn([3, 4], [6, 2])])], table)
    assert packed.targets.tolist() == [IGNORED, IGNORED, IGNORED, 6, 2, IGNORED]
