"""Tests of the KeyCRM client, module by module, against small real HTTP servers on loopback."""
