# SPDX-License-Identifier: Apache-2.0
"""What processes import that a program under onnxrun.as_onnxruntime starts; its folder is in their
PYTHONPATH. Once imported it is onnxrun by that name."""
import onnxrun.as_onnxruntime

onnxrun.as_onnxruntime.install()
