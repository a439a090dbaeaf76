"""Work that is done after the answer: asking for it. Who does it is the worker."""
