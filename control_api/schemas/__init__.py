"""What goes in and out over HTTP, checked by pydantic. A field that is not named here is neither taken nor given."""
