from captioner.cli import program

program()
