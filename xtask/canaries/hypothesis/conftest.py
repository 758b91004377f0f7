from hypothesis import Phase, settings

settings.register_profile("quick", max_examples=10, derandomize=False, deadline=None, phases=[Phase.generate])
settings.register_profile("canary", deadline=None, max_examples=50)
settings.load_profile("canary")
