from captioner.commands.main import program

program()
