# SPDX-License-Identifier: Apache-2.0
"""The architectures of sweep.py: configurations of transformers, few layers of real widths.

Widths, heads and images are those of a small published model (where the smallest is wider than
1024, about 768), layers few and vocabularies short, so that a file has some 60 MB. A layer costs
what it costs in the whole model; embeddings are only looked up.
"""
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workloads import Workload

EXPORTERS = ("dynamo", "torchscript")  # torch's
VOCAB = 1000
POSITIONS = 256
ENCODER_SIZES = ((1, 32), (8, 24))   # batch and sequence
DECODER_SIZES = ((1, 32), (1, 128))
EXPERT_SIZES = ((1, 8), (1, 32))     # the exported form copies the weights of every token's experts
TARGET = 16                          # tokens of the second text of a translation
SECOND_OF_SOUND = 16000


@dataclass(frozen=True)
class Architecture:
    """A class of transformers, or one of models.py, with what differs from its configuration."""

    model: str
    inputs: Callable     # sizes of symbols, random generator -> {name: array}
    sizes: tuple         # of {symbol: size}, one for each row
    config: dict


# ---- inputs ----


def tokens(sizes, symbol, random):
    return random.integers(10, VOCAB, (sizes["batch"], sizes[symbol]), np.int64)


def text_inputs(*names):
    """Tokens, and what is asked for besides: a mask of ones, types of zeros, boxes, a target."""
    def make(sizes, random):
        ids = tokens(sizes, "sequence", random)
        boxes = np.sort(random.integers(0, 1000, (*ids.shape, 2, 2), np.int64), axis=2)
        others = {"attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids),
                  "bbox": boxes.reshape(*ids.shape, 4)}
        if "target" in sizes:
            others["decoder_input_ids"] = tokens(sizes, "target", random)
        return {"input_ids": ids, **{name: others[name] for name in names}}
    return make


def signal_inputs(name, *shape):
    """One image, or one recording, for each element of the batch; for some a text beside it."""
    def make(sizes, random):
        inputs = {name: random.standard_normal((sizes["batch"], *shape), np.float32)}
        if "target" in sizes:
            inputs["decoder_input_ids"] = tokens(sizes, "target", random)
        return inputs
    return make


# ---- kinds of architectures ----


def encoder(model, *inputs, sizes=ENCODER_SIZES, **config):
    sizes = tuple({"batch": batch, "sequence": sequence} for batch, sequence in sizes)
    config = {"vocab_size": VOCAB, "max_position_embeddings": POSITIONS, **config}
    return Architecture(model, text_inputs("attention_mask", *inputs), sizes, config)


def decoder(model, sizes=DECODER_SIZES, **config):
    return encoder(model, sizes=sizes, **config)


def translator(model, **config):
    sizes = tuple({"batch": batch, "sequence": sequence, "target": TARGET}
                  for batch, sequence in ENCODER_SIZES)
    return Architecture(model, text_inputs("attention_mask", "decoder_input_ids"), sizes,
                        {"vocab_size": VOCAB, **config})


def reader(model):
    """A model of models.py that takes tokens only."""
    sizes = tuple({"batch": batch, "sequence": sequence} for batch, sequence in ENCODER_SIZES)
    return Architecture(model, text_inputs(), sizes, {})


def image(model, size=224, **config):
    return Architecture(model, signal_inputs("pixel_values", 3, size, size), ({"batch": 1},),
                        config)


def sound(model, name, *shape, sizes=(), **config):
    return Architecture(model, signal_inputs(name, *shape), ({"batch": 1, **dict(sizes)},),
                        config)


BASE = {"hidden_size": 768, "num_hidden_layers": 2, "num_attention_heads": 12,
        "intermediate_size": 3072}
SMALL = {"hidden_size": 384, "num_hidden_layers": 4, "num_attention_heads": 6,
         "intermediate_size": 1536}
GROUPED = {"hidden_size": 768, "num_hidden_layers": 2, "num_attention_heads": 12,
           "num_key_value_heads": 4, "intermediate_size": 2048}
EXPERTS = {"hidden_size": 512, "num_hidden_layers": 2, "num_attention_heads": 8,
           "num_key_value_heads": 4, "num_experts_per_tok": 2,
           "experts_implementation": "batched_mm"}
STAGES = {"depths": [2, 2, 2, 1]}  # of 96, 192, 384, 768
EAGER = {"attn_implementation": "eager"}  # where torch's default exporter refuses the other
CLIP_TEXT = {"hidden_size": 512, "num_hidden_layers": 4, "num_attention_heads": 8,
             "intermediate_size": 2048, "max_position_embeddings": POSITIONS}
PAIR = {"d_model": 512, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 8,
        "decoder_attention_heads": 8, "encoder_ffn_dim": 2048, "decoder_ffn_dim": 2048,
        "max_position_embeddings": POSITIONS, "pad_token_id": 1, "decoder_start_token_id": 1}

ARCHITECTURES = {
    # texts, read as a whole
    "bert_base": encoder("BertModel", "token_type_ids", **BASE),
    "minilm_12": encoder("BertModel", "token_type_ids", **{**SMALL, "num_attention_heads": 12}),
    "distilbert": encoder("DistilBertModel", n_layers=2),
    "roberta": encoder("RobertaModel", **BASE),
    "xlm_roberta": encoder("XLMRobertaForSequenceClassification", **BASE),
    "albert": encoder("AlbertModel", "token_type_ids", **{**BASE, "num_hidden_layers": 4}),
    "electra": encoder("ElectraModel", "token_type_ids", embedding_size=128, hidden_size=256,
                       num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024),
    "mpnet": encoder("MPNetModel", **BASE),
    "deberta_v2": encoder("DebertaV2Model", relative_attention=True, position_buckets=256,
                          norm_rel_ebd="layer_norm", share_att_key=True,
                          pos_att_type=["p2c", "c2p"], position_biased_input=False, **BASE),
    "deberta": encoder("DebertaModel", relative_attention=True, pos_att_type=["c2p", "p2c"],
                       **BASE),
    "squeezebert": encoder("SqueezeBertModel", "token_type_ids", embedding_size=768, **BASE),
    "modernbert": encoder("ModernBertModel", pad_token_id=0, **{**BASE, "intermediate_size": 1152}),
    "roformer": encoder("RoFormerModel", "token_type_ids", **BASE),
    "convbert": encoder("ConvBertModel", "token_type_ids", **BASE),
    "mobilebert": encoder("MobileBertModel", "token_type_ids", num_hidden_layers=4),
    "layoutlm": encoder("LayoutLMModel", "bbox", "token_type_ids", **BASE),
    "lilt": encoder("LiltModel", "bbox", **BASE),
    "nystromformer": encoder("NystromformerModel", segment_means_seq_len=64, **BASE),
    "esm": encoder("EsmModel", pad_token_id=1, mask_token_id=2, position_embedding_type="rotary",
                   **BASE),
    "clip_text": encoder("CLIPTextModel", eos_token_id=2, **CLIP_TEXT),
    "siglip_text": encoder("SiglipTextModel", **{**BASE, "max_position_embeddings": 64}),
    "bilstm": reader("BiLstm"),
    "textcnn": reader("TextCnn"),
    # texts, written token by token: the prompt
    "gpt2_small": decoder("GPT2LMHeadModel", n_layer=2),
    "gpt_neo": decoder("GPTNeoForCausalLM", hidden_size=768, num_layers=2, num_heads=12,
                       attention_types=[[["global", "local"], 1]]),
    "gpt_neox": decoder("GPTNeoXForCausalLM", **BASE),
    "opt": decoder("OPTForCausalLM", hidden_size=768, num_hidden_layers=2, ffn_dim=3072,
                   num_attention_heads=12),
    "bloom": decoder("BloomForCausalLM", hidden_size=1024, n_layer=2, n_head=16),
    "gptj": decoder("GPTJForCausalLM", n_embd=768, n_layer=2, n_head=12, rotary_dim=32),
    "mpt": decoder("MptForCausalLM", d_model=768, n_layers=2, n_heads=12),
    "xglm": decoder("XGLMForCausalLM", d_model=768, num_layers=2, attention_heads=12,
                    ffn_dim=3072),
    "llama": decoder("LlamaForCausalLM", hidden_size=576, num_hidden_layers=3,
                     num_attention_heads=9, num_key_value_heads=3, intermediate_size=1536),
    "mistral": decoder("MistralForCausalLM", sliding_window=64, **GROUPED),
    "qwen2": decoder("Qwen2ForCausalLM", **{**GROUPED, "hidden_size": 896,
                                            "num_attention_heads": 14,
                                            "num_key_value_heads": 2}),
    "qwen3": decoder("Qwen3ForCausalLM", head_dim=128, **GROUPED),
    "gemma": decoder("GemmaForCausalLM", hidden_size=640, num_hidden_layers=2, head_dim=256,
                     num_attention_heads=4, num_key_value_heads=1, intermediate_size=2048),
    "gemma2": decoder("Gemma2ForCausalLM", hidden_size=640, num_hidden_layers=2, head_dim=256,
                      num_attention_heads=4, num_key_value_heads=1, intermediate_size=2048,
                      sliding_window=64),
    "phi": decoder("PhiForCausalLM", **BASE),
    "falcon": decoder("FalconForCausalLM", hidden_size=768, num_hidden_layers=2,
                      num_attention_heads=12, ffn_hidden_size=3072),
    "olmo2": decoder("Olmo2ForCausalLM", pad_token_id=0, **GROUPED),
    "lfm2": decoder("Lfm2ForCausalLM", layer_types=["conv", "full_attention"], **GROUPED),
    "deepseek_v3": decoder("DeepseekV3ForCausalLM", kv_lora_rank=256, q_lora_rank=512,
                           first_k_dense_replace=2, **{**BASE, "intermediate_size": 2048}),
    "diffllama": decoder("DiffLlamaForCausalLM", **GROUPED),
    "mixtral": decoder("MixtralForCausalLM", EXPERT_SIZES, intermediate_size=512,
                       num_local_experts=8, **EXPERTS),
    "qwen2_moe": decoder("Qwen2MoeForCausalLM", EXPERT_SIZES, intermediate_size=1408,
                         num_experts=8, moe_intermediate_size=352,
                         shared_expert_intermediate_size=1408, **EXPERTS),
    # two texts
    "bart": translator("BartForConditionalGeneration",
                       **{**PAIR, "d_model": 768, "encoder_layers": 1, "decoder_layers": 1,
                          "encoder_attention_heads": 12, "decoder_attention_heads": 12,
                          "encoder_ffn_dim": 3072, "decoder_ffn_dim": 3072}),
    "marian": translator("MarianMTModel", **PAIR),
    "m2m_100": translator("M2M100ForConditionalGeneration", **PAIR),
    "t5": translator("T5ForConditionalGeneration", num_layers=2, decoder_start_token_id=0,
                     **EAGER),
    "umt5": translator("UMT5ForConditionalGeneration", num_layers=2, decoder_start_token_id=0,
                       **EAGER),
    # sound
    "whisper": sound("WhisperForConditionalGeneration", "input_features", 80, 3000,
                     sizes={"target": TARGET}, vocab_size=VOCAB, d_model=384, encoder_layers=2,
                     decoder_layers=2, encoder_attention_heads=6, decoder_attention_heads=6,
                     encoder_ffn_dim=1536, decoder_ffn_dim=1536, pad_token_id=0, bos_token_id=1,
                     eos_token_id=2, decoder_start_token_id=1),
    "wav2vec2": sound("Wav2Vec2Model", "input_values", 2 * SECOND_OF_SOUND,
                      num_hidden_layers=1),
    "hubert": sound("HubertModel", "input_values", 2 * SECOND_OF_SOUND, num_hidden_layers=1),
    "data2vec_audio": sound("Data2VecAudioModel", "input_values", 2 * SECOND_OF_SOUND,
                            num_hidden_layers=1),
    "sew": sound("SEWModel", "input_values", 2 * SECOND_OF_SOUND, num_hidden_layers=2),
    "w2v_bert": sound("Wav2Vec2BertModel", "input_features", 100, 160, hidden_size=512,
                      num_hidden_layers=2, num_attention_heads=8, intermediate_size=2048,
                      **EAGER),
    "ast": sound("ASTModel", "input_values", 1024, 128, **{**SMALL, "num_hidden_layers": 2}),
    # images
    "vit_small": image("ViTForImageClassification", **SMALL),
    "vit_base": image("ViTForImageClassification", **BASE),
    "deit": image("DeiTForImageClassification", **SMALL),
    "beit": image("BeitForImageClassification", use_relative_position_bias=True, **EAGER,
                  **BASE),
    "dinov2": image("Dinov2Model", patch_size=14, **SMALL),
    "yolos": image("YolosForObjectDetection", size=320, image_size=[320, 320],
                   num_detection_tokens=20, **SMALL),
    "dpt": image("DPTForDepthEstimation", image_size=224, backbone_out_indices=[0, 1, 2, 3],
                 neck_hidden_sizes=[96, 192, 384, 768], **SMALL),
    "swin": image("SwinForImageClassification", **EAGER, **STAGES),
    "swinv2": image("Swinv2ForImageClassification", size=256, image_size=256, window_size=8,
                    **EAGER, **STAGES),
    "donut_swin": image("DonutSwinModel", size=320, image_size=[320, 320], window_size=10,
                        embed_dim=96, num_heads=[3, 6, 12, 24], **EAGER, **STAGES),
    "pvt2": image("PvtV2ForImageClassification"),
    "segformer": image("SegformerForSemanticSegmentation", size=256),
    "mobilevit": image("MobileViTForImageClassification", size=256, initializer_range=0.1),
    "levit": image("LevitForImageClassification"),
    "cvt": image("CvtForImageClassification"),
    "poolformer": image("PoolFormerForImageClassification"),
    "focalnet": image("FocalNetForImageClassification", **STAGES),
    "convnext": image("ConvNextForImageClassification", **STAGES),
    "regnet": image("RegNetForImageClassification", **STAGES),
    "mobilenet_v2": image("MobileNetV2ForImageClassification"),
    "clip_vision": image("CLIPVisionModel", patch_size=32, **BASE),
    "siglip_vision": image("SiglipVisionModel", **BASE),
    "detr": image("Detr", size=320),
}


class SweepWorkload(Workload):
    def inputs(self):
        return ARCHITECTURES[self.model].inputs(self.sizes, np.random.default_rng(1))


def rows(model):
    for sizes in ARCHITECTURES[model].sizes:
        size = "x".join(map(str, sizes.values()))
        yield SweepWorkload(f"{model}_{size}", f"{model}, {size}", model, sizes)


SWEEP = [row for model in ARCHITECTURES for row in rows(model)]
