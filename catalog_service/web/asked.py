"""What a client asks, read into a model; what is wrong with it is the client's fault, and no other error is."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


class InvalidRequestError(Exception):
    """A client sent something that its model does not allow."""

    def __init__(self, error: ValidationError) -> None:
        super().__init__(str(error))
        self.error = error


def of_query(model: type[Model], values: dict[str, Any]) -> Model:
    """Read the parameters of a query.

    Raises:
        InvalidRequestError
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidRequestError(error) from error


def of_body(model: type[Model], data: bytes) -> Model:
    """Read a body of JSON.

    Raises:
        InvalidRequestError
    """
    try:
        return model.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise InvalidRequestError(error) from error
