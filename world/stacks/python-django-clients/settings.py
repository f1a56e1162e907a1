"""Both services' settings."""

DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "app"
SECRET_KEY = "none"
MIDDLEWARE = []
LOGGING_CONFIG = None
