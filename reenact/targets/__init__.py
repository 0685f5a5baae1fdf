"""Targets: who is shown.  `library` keeps them, `prepare` makes them from a picture or a video, `bundle` is the
folder they live in, `photo` and `video` play them."""
