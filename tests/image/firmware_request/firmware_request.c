// SPDX-License-Identifier: MIT AND GPL-2.0
// For tests only: requests a firmware file, as the driver of a radio does, and logs its size and its beginning:
// insmod firmware_request.ko name=brcm/file.bin
#include <linux/firmware.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/platform_device.h>

#define SHOWN ((size_t)64)

static char *name = "";
module_param(name, charp, 0);

static int __init firmware_request_init(void)
{
	const struct firmware *file;
	struct platform_device *device;
	int error;

	device = platform_device_register_simple("firmware_request", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	error = request_firmware(&file, name, &device->dev);
	if (!error) {
		pr_info("firmware_request: %s has %zu bytes: %*pE\n", name, file->size,
			(int)min(file->size, SHOWN), file->data);
		release_firmware(file);
	}
	platform_device_unregister(device);
	return error;
}

static void __exit firmware_request_exit(void)
{
}

module_init(firmware_request_init);
module_exit(firmware_request_exit);
MODULE_DESCRIPTION("Requests a firmware file, for tests");
MODULE_LICENSE("Dual MIT/GPL");
