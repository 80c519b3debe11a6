"""Speed, side by side: each module measures one subject and yields rows for `hedgequake bench`."""
