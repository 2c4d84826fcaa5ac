"""The networks in ONNX Runtime: graphs that the program makes, and the sessions that run them."""
