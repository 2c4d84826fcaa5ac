"""The networks, in torch: tokenizer, quantizer, masked transformer."""
