"""What befalls a process: it is killed, its disk or its memory is full, its clock jumps, Ctrl-C.

What was complete before is complete after; a call that fails has changed nothing.
"""
