"""What both edges share: authentication, admission, body limits, error rendering, the writer to the client."""
