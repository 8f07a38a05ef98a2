"""The catalogue of texts: every word that a person reads on the display, in one place.

A text in braces is filled in: `{name}`. Where a text is a tuple, each part is a line of its own. A line has room for
some 18 characters in the headline's size, and some 24 in the small one.
"""

from __future__ import annotations

# Starting, stopping and failing.
PRODUCT = "Table Tracker"
VERSION = "appliance {version}"
STOPPING = "Stopping"
STOPPING_HINT = "The display goes dark"
FAILING = "Program crashes"
FAILING_RESTART = "The box restarts"
FAILING_RETRY = "Retrying in 1 min"
FAILING_HINT = "Every day? New SD card"

# Discovering.
LOOKING = ("Looking for", "the gateway")
LOOKING_HINT = ("Is the gateway on, and", "on the same network?")
OWN_ADDRESS = "This box: {address}"
NO_NETWORK = "No network"
NO_NETWORK_HINT = ("Check the cable", "or the Wi-Fi settings")
NO_INTERFACE = ("No interface", "{missing}")
NO_INTERFACE_HERE = "Here: {present}"
NO_INTERFACE_HINT = ("Correct the settings",)
UNASSIGNED = ("No address", "from the router")
UNASSIGNED_HINT = ("Restart the router", "or set an address")
SELF_ASSIGNED_HINT = ("No address from router:", "restart the router")
HOST_NOT_FOUND = "{host} not found"
HOST_NOT_FOUND_HINT = ("Check gateway.address",)
NO_GATEWAY_ASLEEP = "No gateway found"

# Pairing.
PRESS_HERE = ("Press button", "here to pair")
FOUND_GATEWAY = "Found: {name}"
FOUND_GATEWAYS = "{count} gateways found"
GATEWAY_NAME = "Gateway: {name}"
UNKNOWN_NAME = "?"
PAIRING_TIMED_OUT = "Pairing timed out"
PAIRING_REVOKED = "Gateway revoked pairing"
PAIRING_DAMAGED = "Saved pairing damaged"
NOT_PAIRED_ASLEEP = "Not paired"
PRESS_GATEWAY = ("Now press the", "gateway's button")
TIME_LEFT = "{time} left"
PAIRING_UNREACHABLE = ("Gateway does", "not answer")
PAIRING_UNREADABLE = ("Gateway's answer", "unreadable")
PAIRING_REFUSED = ("Gateway", "refused pairing")
CONFIRM = "Pair with this? {time}"
CONFIRM_ADDRESS = "at {address}"
CONFIRM_YES = "Yes: press here"
CONFIRM_NO = "No: hold 5 s"
PAIRED = "Paired"
PAIRED_WITH = "with {name}"

# Connecting and offline.
CONNECTING = "Connecting"
CONNECTING_TO = "Connecting to"
OFFLINE = "OFFLINE"
OFFLINE_FOR = "for {age}"
OFFLINE_UNREACHABLE = ("Gateway does not answer", "Check its power and cable")
OFFLINE_NO_NETWORK = ("No network: check cable", "or the Wi-Fi settings")
OFFLINE_NO_INTERFACE = ("No interface {missing}", "Here: {present}")
OFFLINE_UNASSIGNED = ("No address from router", "Restart the router")
OFFLINE_HOST_NOT_FOUND = ("{host} not found", "Check gateway.address")
OFFLINE_OTHER_GATEWAY = ("Found only {name}", "To pair anew: hold 5 s")
OFFLINE_UNREADABLE = ("Unreadable answer", "Restart the gateway")
OFFLINE_NO_ORDERS = ("Gateway sends no orders", "It may be restarting: wait")
OFFLINE_REFUSED = ("Gateway revoked pairing", "Looking to pair again")
OFFLINE_TOO_MANY = ("Too many orders", "for this box")

# The count, its remarks, and a paged order.
ORDER, ORDERS = "order", "orders"
OLDEST = "oldest"
OLDEST_AGE = "oldest {age}"
AT_LEAST = "≥{age}"
REMARK = "{count} {word}"
PAGED, LATE, GETTING_OLD = "paged", "late", "getting old"
UNREADABLE, OLD = "unreadable", "lost?"
COUNT_IN_DOUBT = "Count may be wrong"
TRACKER, TRACKERS = "Tracker", "Trackers"
PAGED_TRACKER = "{noun} {tracker} paged"
MORE_PAGED = "+{count} more"
TABLE = "table {name}"
TO_GO = "to go"

# The oldest orders.
OLDEST_ORDERS = "Oldest orders"
NO_ORDERS = "none"

# The day so far.
TODAY = "Today"
LATEST_DAY = "Latest day"
DAY_FINISHED, DAY_OPEN = "{count} done", "{count} open"
AVERAGE, AVERAGE_SHORT, MEDIAN = "average {time}", "avg {time}", "median {time}"
WITHIN_TARGET = "under {target}"
HOUR = "{hour}:00"
COUNTED_FOR = "counted for {age}"
GATEWAY_FIGURES = "gateway: {figures}"
GATEWAY_FINISHED = "{count} done"
DIFFERS = "differs from gateway"

# Faults of this box, shown beside anything else.
BUTTON_STUCK = "Button stuck: free it"
WEAK_POWER = "Weak power supply"
CARD_BROKEN = "SD card is broken"
CARD_RESET = "SD card was reset"
PAIRING_NOT_SAVED = "Pairing not saved"
CHECK_SETTINGS = "Check the settings file"
SETTINGS_WRONG = "Settings wrong: line {line}"

# An update of the box.
UPDATE_PRESS = "Update: press button"
UPDATE_PRESS_TIMES = "Update: press {count} times"
UPDATE_INSTALLING = "Installing update {percent} %"
UPDATE_READY = "Restarts when quiet"
UPDATE_TRYING = "Trying the update"
UPDATE_DONE = "Updated to {version}"
UPDATE_FAILED = "Update failed"
FOUND_UPDATE = "Update found"
UPDATE_VERSION = "Version {version}"
INSTALL_YES, INSTALL_NO = "Install: press here", "Not now: wait"
INSTALLING = "Installing"
INSTALLED_SHARE = "{version}: {percent} %"
INSTALLING_HINT = "Pulling the plug is safe"
INSTALLED = "Update installed"
RESTART_YES, RESTART_NO = "Restart: press here", "Later: wait"
RESTARTING = "Restarting"
RESTARTING_HINT = "to try version {version}"
TRYING = ("Trying", "the update")
TRYING_HINT = ("If it fails, the old one", "comes back by itself")
UPDATE_KEPT = "Old version kept"
UPDATE_READ = "OK: press here"
UPDATE_REASONS = {
    "wrong-key": "Not signed by the maker",
    "corrupt": "Damaged: copy it again",
    "truncated": "Incomplete: copy it again",
    "older": "Older than this version",
    "same-version": "Already installed",
    "wrong-board": "Not for this box",
    "no-room": "No room on the SD card",
    "flag-unsupported": "This board can't update",
    "eeprom-too-old": "Board's EEPROM is too old",
    "board-unknown": "Unknown board",
    "needs-version": "Another update is first",
    "tried-before": "It failed here before",
    "stick-removed": "The stick was removed",
    "not-connected": "It found no gateway",
    "crashed": "It crashed",
    "no-picture": "It could not draw",
    "state-not-written": "It could not save data",
    "settings-unread": "It read no settings",
    "engine-failed": "The updater failed",
    "cut-three-times": "Power was cut 3 times",
    "boot-failed": "It did not start",
}
UPDATE_UNKNOWN_REASON = "Reason: {reason}"

# A copy of the box on a USB stick.
SAVE_COPY, PLUG_IN_STICK = "Save a copy", "Plug in a USB stick"
SAVE_YES, SAVE_NO = "Save: press here", "Not now: wait"
SAVING, RESTORING = "Saving", "Restoring"
COPIED_SHARE, LEAVE_STICK = "{percent} %", "Leave the stick in"
SAVING_SHARE, RESTORING_SHARE = "Saving a copy {percent} %", "Restoring {percent} %"
COPY_SAVED, COPY_RESTORED, COPY_FAILED = "Copy saved", "Copy restored", "Copy failed"
PULL_OUT_STICK = "Pull out the stick"
COPY_UNCHANGED = "Nothing was changed"
SAVED_WITHOUT_PAIRING, RESTORED_WITHOUT_PAIRING = "It has no pairing", "Pair again"
COPY_REASONS = {
    "no-stick": "No USB stick found",
    "read-only": "The stick is read-only",
    "no-room": "The stick is full",
    "stick-failed": "The stick can't be used",
    "several-copies": "Copies of several boxes",
    "damaged": "The copy is damaged",
    "newer": "Update the box first",
    "failed": "Try again, or new SD card",
}

# The factory reset.
ERASE, ERASE_WHAT = "Erase this box?", "Pairing and past orders"
ERASE_YES, ERASE_NO = "Erase: hold 10 s", "Keep: wait"
ERASE_KEEP = "Let go to keep it"
PRESSES_LEFT = "Press {number} of {count}"
ERASE_WAIT, ERASE_PRESS, ERASE_CANCEL = "Wait", "Press now", "Else nothing is erased"
ERASING, ERASING_HINT = "Erasing", "The box restarts as new"

# Holding the button.
FORGET_PAIRING = ("Forget the pairing", "Let go to keep it", "to forget the pairing")
DECLINE_GATEWAY = ("Not this gateway", "Let go to go back", "to decline this gateway")
HOLD_LEFT = "in {seconds}"
LET_GO = "Let go now"

# For the installer.
SETTINGS = "Settings"
SETTINGS_LINE = "Mistake in line {line}"
MORE_MISTAKES = "and {count} more"
THIS_BOX = "This box"
NO_ADDRESS = "no address"
BOX_VERSION = "v{version}"
UPTIME = "on for {age}"
TEMPERATURE = "box {degrees:.0f} °C"
POWER_WEAK, POWER_WAS_WEAK, POWER_OK = "weak power supply", "power was weak", "power ok"
GATEWAY = "Gateway"
NO_GATEWAY = "no gateway in sight"
LAST_HEARD, SECONDS_AGO = "last heard", "{seconds:.0f} s ago"
GATEWAY_PAIRED, GATEWAY_NOT_PAIRED = "paired", "not paired"
DISPLAY = "Display"
DISPLAY_ADDRESS = "at 0x{address:02X}"
DRIVER_DETECTED, DRIVER_CHOSEN, DRIVER_SET = "detected", "chosen by button", "from the settings"
DISPLAY_ANSWERS = "read {raw}"
PICTURE_SHIFTED = "Picture is shifted?"
DRAWN_FOR = "It is drawn for {driver}"
SHIFTED_YES, SHIFTED_NO = "Yes: press here", "No: wait"
LEDS_STEADY, LEDS_SLOW, LEDS_FAST = "Steady light", "Blinks slowly", "Blinks fast"
LED_IN_TIME = "green: in time"
LED_WARN = "amber: over {time}"
LED_LATE = "red: over {time}"
LED_CONNECTING = "green slow: connecting"
LED_LOOKING = "amber slow: looking"
LED_OFFLINE = "red slow: offline"
LED_PRESS_HERE = "amber fast: press here"
LED_PRESS_GATEWAY = "+ green: press gateway"
LED_BROKEN = "red fast: broken part"

# Ages and settings.
UNDER_A_MINUTE = "<1 min"
MINUTES = "{minutes} min"
HOURS = "{hours} h {minutes:02}"
DAYS = "{days} d {hours} h"
SECONDS = "{seconds:.0f} s"


def orders(count: int) -> str:
    """The noun for so many orders."""
    return ORDER if count == 1 else ORDERS
