"""What a picture says about itself: signed credentials, a watermark, a visible label, and how to read them."""
