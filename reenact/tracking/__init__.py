"""Finding the driver's face and keeping to it: MediaPipe face mesh, one subject, one-euro smoothing."""

from reenact.tracking.facemesh import FaceMeshTracker

__all__ = ["FaceMeshTracker"]
