"""The agents of a study.

nano.py      the laptop agent: trained here from scratch on a task's demonstrations
chosen.py    the one that a study was asked for, nano or any other
loading.py   model and tokenizer from a folder or the hub
data.py, tokens.py, loop.py    demonstrations, their tokenizer, the training loop
__main__.py  `python -m adapt.study.agent DOMAIN FOLDER` trains the laptop agent once, for many studies
"""
