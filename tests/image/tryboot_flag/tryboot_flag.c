// SPDX-License-Identifier: MIT AND GPL-2.0
// For tests only: the file of image/tryboot in a virtual machine. The flag is in memory that QEMU shares with the test
// (ivshmem-plain), which plays the board's firmware: the flag outlasts the machine, and the test clears it.
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sysfs.h>

#define VENDOR 0x1af4
#define IVSHMEM 0x1110
#define MEMORY_BAR 2

static struct pci_dev *device;
static void __iomem *memory;
static struct kobject *folder;

static ssize_t flags_show(struct kobject *object, struct kobj_attribute *attribute, char *page)
{
	return sysfs_emit(page, "%u\n", ioread32(memory));
}

static ssize_t flags_store(struct kobject *object, struct kobj_attribute *attribute, const char *page, size_t size)
{
	bool flag;
	int error = kstrtobool(page, &flag);

	if (!error)
		iowrite32(flag, memory);
	return error ? error : size;
}

static struct kobj_attribute flags = __ATTR(flags, 0600, flags_show, flags_store);

static int __init tryboot_flag_init(void)
{
	int error;

	device = pci_get_device(VENDOR, IVSHMEM, NULL);
	if (!device)
		return -ENODEV;
	error = pci_enable_device(device);
	memory = error ? NULL : pci_iomap(device, MEMORY_BAR, 0);
	folder = memory ? kobject_create_and_add("tt_tryboot", kernel_kobj) : NULL;
	return folder ? sysfs_create_file(folder, &flags.attr) : -ENOMEM;
}

module_init(tryboot_flag_init);
MODULE_DESCRIPTION("A Raspberry Pi's tryboot flag in a virtual machine");
MODULE_LICENSE("Dual MIT/GPL");
