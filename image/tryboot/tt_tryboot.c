// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tryboot flag of a Raspberry Pi's firmware: whether its loader starts the other choice at the next restart, once.
 *
 * /sys/kernel/tt_tryboot/flags: write 0 or 1; reading asks the firmware, so that user space learns whether it kept the
 * flag. The kernel of the boards' maker has these two properties; the mainline kernel does not. Remove this module when
 * it does.
 */
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/sysfs.h>
#include <soc/bcm2835/raspberrypi-firmware.h>

/* From include/soc/bcm2835/raspberrypi-firmware.h of the maker's kernel. */
#define GET_REBOOT_FLAGS 0x00030064
#define SET_REBOOT_FLAGS 0x00038064

static struct rpi_firmware *firmware;
static struct kobject *folder;

static ssize_t flags_show(struct kobject *object, struct kobj_attribute *attribute, char *page)
{
	__le32 word = cpu_to_le32(0);
	int error = rpi_firmware_property(firmware, GET_REBOOT_FLAGS, &word, sizeof(word));

	return error ? error : sysfs_emit(page, "%u\n", le32_to_cpu(word));
}

static ssize_t flags_store(struct kobject *object, struct kobj_attribute *attribute, const char *page, size_t size)
{
	__le32 word;
	bool flag;
	int error = kstrtobool(page, &flag);

	if (error)
		return error;
	word = cpu_to_le32(flag);
	error = rpi_firmware_property(firmware, SET_REBOOT_FLAGS, &word, sizeof(word));
	return error ? error : size;
}

static struct kobj_attribute flags = __ATTR(flags, 0600, flags_show, flags_store);

/* For the module's alias alone: udev loads it on boards that have this firmware. */
static const struct of_device_id boards[] __maybe_unused = {
	{ .compatible = "raspberrypi,bcm2835-firmware" },
	{ }
};
MODULE_DEVICE_TABLE(of, boards);

static int __init tt_tryboot_init(void)
{
	struct device_node *node = of_find_matching_node(NULL, boards);
	int error;

	if (!node)
		return -ENODEV;
	firmware = rpi_firmware_get(node);
	of_node_put(node);
	if (!firmware)
		return -EPROBE_DEFER;
	folder = kobject_create_and_add("tt_tryboot", kernel_kobj);
	error = folder ? sysfs_create_file(folder, &flags.attr) : -ENOMEM;
	if (error) {
		kobject_put(folder);
		rpi_firmware_put(firmware);
	}
	return error;
}

static void __exit tt_tryboot_exit(void)
{
	kobject_put(folder);
	rpi_firmware_put(firmware);
}

module_init(tt_tryboot_init);
module_exit(tt_tryboot_exit);
MODULE_DESCRIPTION("The tryboot flag of a Raspberry Pi's firmware");
MODULE_VERSION("1");
MODULE_LICENSE("GPL");
