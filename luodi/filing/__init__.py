"""The filing regime as pure rules: no Pulumi, no I/O, no clock."""
