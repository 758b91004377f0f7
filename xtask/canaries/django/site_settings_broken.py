from site_settings_that_are_not_there import *  # noqa: F403
