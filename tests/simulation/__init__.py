"""Simulation of the appliance on a virtual network, disk and panel: days of operation in seconds, from one seed."""
