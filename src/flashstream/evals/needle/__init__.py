"""One short event in ten hours of a fixed camera: is it still there when somebody asks?"""
