// A module that cannot be loaded.
throw new Error("no license\nfor this machine");
