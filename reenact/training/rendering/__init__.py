"""Rendered people for training: nobody's face, in any pose and light, with what real faces have and wear.

The head model and its renderer are not part of this package: the user names a folder with them (see `renderer`).  Its
pictures lack much of what a camera sees; each part of that is added by a module of its own and has a switch of its own
in `people.RenderConfig`.
"""
