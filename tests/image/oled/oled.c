// SPDX-License-Identifier: MIT AND GPL-2.0
// For tests only: an I2C bus with an SSD1306; its picture and state can be read.
//
// /sys/kernel/debug/oled/picture  1,024 bytes as in the controller: 8 memory pages of 128 columns, lowest bit on top
// /sys/kernel/debug/oled/facts    on=0|1 contrast=N inverted=0|1 flipped=0|1 first_us=N bytes=N
//                                 first_us: time of the first visible pixel since the kernel's start; 0 for never
// /sys/kernel/debug/oled/broken   1: no device answers on the bus, like an unplugged display
//
// From the data sheet: horizontal and page addressing, the commands' lengths, and the control byte before each.
// A read gets the status: an SSD1306 does not give its memory back.
#include <linux/debugfs.h>
#include <linux/i2c.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/seq_file.h>

#define ADDRESS 0x3c
/* What many an SSD1306 answers to every read, and the bit that says that it is off. */
#define STATUS 0x03
#define STATUS_OFF 0x40
#define COLUMNS 128
#define PAGES 8

static DEFINE_MUTEX(lock);
static u8 picture[PAGES * COLUMNS];
static struct debugfs_blob_wrapper picture_blob = { picture, sizeof(picture) };
static bool broken;
static struct {
	u8 command[8];
	unsigned int have, need;
	u8 mode, first_column, last_column, first_page, last_page, column, page;
	bool on, inverted, flipped;
	u8 contrast;
	u64 first_us, bytes;
} oled = { .mode = 2, .last_column = COLUMNS - 1, .last_page = PAGES - 1, .contrast = 0x7f };

static unsigned int length_of(u8 command)
{
	switch (command) {
	case 0x20: case 0x81: case 0x8d: case 0xa8: case 0xd3: case 0xd5: case 0xd9: case 0xda: case 0xdb:
		return 2;
	case 0x21: case 0x22: case 0xa3:
		return 3;
	case 0x29: case 0x2a:
		return 6;
	case 0x26: case 0x27:
		return 7;
	default:
		return 1;
	}
}

static void note_first(void)
{
	if (!oled.first_us && oled.on && memchr_inv(picture, 0, sizeof(picture)))
		oled.first_us = ktime_to_us(ktime_get_boottime());
}

static void execute(const u8 *c)
{
	switch (c[0]) {
	case 0x00 ... 0x0f:
		oled.column = (oled.column & 0x70) | c[0];
		break;
	case 0x10 ... 0x17:
		oled.column = (oled.column & 0x0f) | (c[0] & 7) << 4;
		break;
	case 0x20:
		oled.mode = c[1] & 3;
		break;
	case 0x21:
		oled.first_column = oled.column = c[1] & 0x7f;
		oled.last_column = c[2] & 0x7f;
		break;
	case 0x22:
		oled.first_page = oled.page = c[1] & 7;
		oled.last_page = c[2] & 7;
		break;
	case 0x81:
		oled.contrast = c[1];
		break;
	case 0xa0 ... 0xa1:
		oled.flipped = c[0] & 1;
		break;
	case 0xa6 ... 0xa7:
		oled.inverted = c[0] & 1;
		break;
	case 0xae ... 0xaf:
		oled.on = c[0] & 1;
		note_first();
		break;
	case 0xb0 ... 0xb7:
		oled.page = c[0] & 7;
		break;
	}
}

static void take_command(u8 byte)
{
	if (!oled.have)
		oled.need = length_of(byte);
	oled.command[oled.have++] = byte;
	if (oled.have == oled.need) {
		execute(oled.command);
		oled.have = 0;
	}
}

static void take_data(u8 byte)
{
	picture[oled.page * COLUMNS + oled.column] = byte;
	oled.bytes++;
	if (oled.mode == 2) {
		oled.column = (oled.column + 1) & 0x7f;
	} else if (oled.mode == 0) {
		if (oled.column++ == oled.last_column) {
			oled.column = oled.first_column;
			oled.page = oled.page == oled.last_page ? oled.first_page : oled.page + 1;
		}
	} else if (oled.page++ == oled.last_page) {
		oled.page = oled.first_page;
		oled.column = oled.column == oled.last_column ? oled.first_column : oled.column + 1;
	}
}

static void take(const u8 *bytes, unsigned int count)
{
	unsigned int at = 0;

	while (at + 1 < count) {
		u8 control = bytes[at++];
		unsigned int last = control & 0x80 ? at + 1 : count;

		for (; at < last; at++)
			(control & 0x40 ? take_data : take_command)(bytes[at]);
	}
}

static int transfer(struct i2c_adapter *adapter, struct i2c_msg *messages, int count)
{
	int i, result = count;

	mutex_lock(&lock);
	for (i = 0; i < count; i++) {
		if (broken || messages[i].addr != ADDRESS) {
			result = -ENXIO;
			break;
		}
		if (messages[i].flags & I2C_M_RD)
			memset(messages[i].buf, oled.on ? STATUS : STATUS | STATUS_OFF, messages[i].len);
		else
			take(messages[i].buf, messages[i].len);
	}
	note_first();
	mutex_unlock(&lock);
	return result;
}

static u32 functionality(struct i2c_adapter *adapter)
{
	return I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
}

static const struct i2c_algorithm algorithm = { .xfer = transfer, .functionality = functionality };
static struct i2c_adapter bus = { .owner = THIS_MODULE, .name = "bus with a display", .algo = &algorithm, .nr = 1 };
static struct platform_device *device;
static struct dentry *folder;

static int facts_show(struct seq_file *file, void *unused)
{
	mutex_lock(&lock);
	seq_printf(file, "on=%d contrast=%u inverted=%d flipped=%d first_us=%llu bytes=%llu\n", oled.on, oled.contrast,
		   oled.inverted, oled.flipped, oled.first_us, oled.bytes);
	mutex_unlock(&lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(facts);

static int __init oled_init(void)
{
	int error;

	device = platform_device_register_simple("oled", -1, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	bus.dev.parent = &device->dev;
	error = i2c_add_numbered_adapter(&bus);
	if (error) {
		platform_device_unregister(device);
		return error;
	}
	folder = debugfs_create_dir("oled", NULL);
	debugfs_create_blob("picture", 0400, folder, &picture_blob);
	debugfs_create_file("facts", 0400, folder, NULL, &facts_fops);
	debugfs_create_bool("broken", 0600, folder, &broken);
	return 0;
}

static void __exit oled_exit(void)
{
	debugfs_remove_recursive(folder);
	i2c_del_adapter(&bus);
	platform_device_unregister(device);
}

module_init(oled_init);
module_exit(oled_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("A display on a bus, for tests");
