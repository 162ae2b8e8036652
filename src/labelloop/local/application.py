"""What a run on this machine deploys: the template with everything it names, and the model container."""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from labelloop.core.errors import RequestError
from labelloop.core.implementations import is_class_name
from labelloop.labelers import load_labeler, trains_a_model
from labelloop.local.application_files import application_folder, backbone_folder, encoder_folder
from labelloop.local.container_libraries import require_libraries
from labelloop.local.container_process import ModelContainer, ProcessContainer
from labelloop.local.docker import DockerContainer, require_image
from labelloop.local.sam_functions import SamApplication

# The name `sam build` gives to the image of the template's ModelContainer.
BUILT_MODEL_IMAGE = "modelcontainer:model"


class Steps(StrEnum):
    """Where the steps run."""

    PROCESS = "process"
    CONTAINERS = "containers"


class Jobs(StrEnum):
    """Where the model is trained and predicts."""

    PROCESS = "process"
    DOCKER = "docker"


@dataclass(frozen=True)
class Application:
    """The files to deploy: the template with everything it names, and the model container."""

    template: Path
    model_container: Path
    encoder: Path  # the sentence encoder, from `labelloop fetch-encoder`; the model works without it
    backbone: Path  # the backbone for images, from `labelloop fetch-backbone`; the model works without it
    steps: Steps = Steps.PROCESS
    jobs: Jobs = Jobs.PROCESS
    cpus: float | None = None  # of a job's container; None: all

    image: str = BUILT_MODEL_IMAGE  # what jobs in Docker run, unless a request names another

    @property
    def has_encoder(self) -> bool:
        """Whether the sentence encoder has been fetched."""
        return (self.encoder / "model.safetensors").is_file()

    @property
    def has_backbone(self) -> bool:
        """Whether the backbone for images has been fetched."""
        return (self.backbone / "weights.pth").is_file()

    def require_libraries(self) -> None:
        """Raises RequestError when a library is missing that the container imports as a process."""
        if self.jobs == Jobs.PROCESS:
            require_libraries(self.model_container)

    @property
    def has_own_model(self) -> bool:
        """Whether the container is the user's own, whose hyperparameters only the container knows."""
        return not (self.model_container / "text_classifier").is_dir()

    def container(
        self, encodings: Path, image: str | None = None, s3_root: Path | None = None
    ) -> ModelContainer:
        """The model container. As processes, it caches the encodings of texts and images in a folder.

        `image` replaces the one that `sam build` made; `s3_root` is the folder that stands for S3, where the
        container finds images. Raises DockerError when the image is not on this machine.
        """
        if self.jobs == Jobs.DOCKER:
            require_image(image or self.image)
            return DockerContainer(image or self.image, self.cpus, s3_root=s3_root)
        environment = {
            "SENTENCE_ENCODER": str(self.encoder) if self.has_encoder else "none",
            "IMAGE_BACKBONE": str(self.backbone) if self.has_backbone else "none",
            "ENCODING_CACHE": str(encodings.resolve()),
        }
        if s3_root is not None:
            environment["S3_FOLDER"] = str(s3_root.resolve())
        return ProcessContainer(self.model_container, environment)

    def with_labeler(self, name: str) -> "Application":
        """The same with what stands in for the labeler's image, where only AWS has that.

        A user's own labeler may be there for the steps alone.

        Raises RequestError when the stand-in is missing, or when the user named another container.
        """
        stand_in = None if is_class_name(name) else load_labeler(name).stand_in
        if stand_in is None:
            return self
        root = self.template.parent
        if self.model_container != root / "model_container":
            raise RequestError(
                f"{name} is a model of its own: leave out either --model {name} or --model-container"
            )
        container = _checked_container(root / stand_in.folder)
        return replace(self, model_container=container, image=stand_in.image)

    def ready_for(self, algorithm: str) -> "Application":
        """As `with_labeler`, which can also be run here.

        Raises RequestError as well when a library is missing.
        """
        application = self.with_labeler(algorithm)
        # A user's own labeler may train nothing.
        if not is_class_name(algorithm) and trains_a_model(algorithm):
            application.require_libraries()
        return application

    def step_containers(self, logs: Path) -> SamApplication | None:
        """Runs the steps in their images; None if they run in this process."""
        if self.steps == Steps.PROCESS:
            return None
        return SamApplication(self.template.parent, logs / "sam-local.log")

    @classmethod
    def found(cls, folder: Path | None = None, model_container: Path | None = None) -> "Application":
        """The application in `folder`, perhaps with another container. Default: see `application_files`.

        Raises RequestError when it is not there.
        """
        # Jobs run in folders of their own.
        root = folder.absolute() if folder else application_folder()
        container = _checked_container(model_container) if model_container else root / "model_container"
        application = cls(root / "template.yaml", container, encoder_folder(root), backbone_folder(root))
        for path in (application.template, application.model_container):
            if not path.exists():
                raise RequestError(
                    f"there is no {path}: name the folder of a labelloop checkout with --application"
                )
        return application


def _checked_container(folder: Path) -> Path:
    for program in ("train", "serve"):
        if not (folder / program).is_file():
            raise RequestError(
                f"there is no {folder / program}: a model container is a folder with the programs "
                "train and serve (docs/bring-your-own-model.md)"
            )
    return folder.resolve()
