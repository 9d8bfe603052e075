"""One module for each page of the console; `router` of each is mounted by `console.app`."""
