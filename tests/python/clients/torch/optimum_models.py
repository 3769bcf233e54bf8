# SPDX-License-Identifier: Apache-2.0
"""What small models with random weights compute and write, exported and run by optimum."""
import json
import tempfile

import torch
from optimum.onnxruntime import (
    ORTModelForCausalLM,
    ORTModelForFeatureExtraction,
    ORTModelForSeq2SeqLM,
)
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    T5Config,
    T5ForConditionalGeneration,
)

torch.manual_seed(0)
IDS = torch.tensor([[5, 6, 7, 8, 9]])
MASK = torch.ones_like(IDS)
BERT = BertModel(BertConfig(vocab_size=60, hidden_size=32, num_hidden_layers=2,
                            num_attention_heads=2, intermediate_size=64))
GPT2 = GPT2LMHeadModel(GPT2Config(vocab_size=60, n_embd=32, n_layer=2, n_head=2, bos_token_id=1,
                                  eos_token_id=2, initializer_range=0.5))
T5 = T5ForConditionalGeneration(T5Config(vocab_size=60, d_model=32, d_kv=16, d_ff=64, num_layers=2,
                                         num_heads=2, decoder_start_token_id=0,
                                         initializer_factor=5.0))


def exported(model, kind):
    """The model as ONNX, with its outputs bound in turn to names and to memory."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return [kind.from_pretrained(folder, export=True, use_io_binding=binds)
                for binds in (False, True)]


answers = []
for bert in exported(BERT, ORTModelForFeatureExtraction):
    hidden = bert(input_ids=IDS, attention_mask=MASK, token_type_ids=0 * IDS).last_hidden_state
    answers.append(hidden.flatten().tolist())
for model, kind in ((GPT2, ORTModelForCausalLM), (T5, ORTModelForSeq2SeqLM)):
    for writer in exported(model, kind):
        answers.append(writer.generate(input_ids=IDS, attention_mask=MASK, max_new_tokens=16,
                                       do_sample=False).tolist())
print(json.dumps(answers))
