// SPDX-License-Identifier: GPL-2.0
// Linux's driver of tests/packages/device: has the device add numbers, and says what came of it.
#include <linux/completion.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/pci.h>

enum { ADDRESS_LOW = 0x00, ADDRESS_HIGH = 0x04, COUNT = 0x08, STATUS = 0x0c };
enum { DONE = 1 };
enum { ROUNDS = 10, NUMBERS = 100 };

struct adder {
	void __iomem *registers;
	struct completion done;
	u32 status;
	unsigned int interrupts;
};

static irqreturn_t adder_interrupt(int irq, void *data)
{
	struct adder *adder = data;
	u32 status = ioread32(adder->registers + STATUS);

	if (!status)
		return IRQ_NONE;
	iowrite32(status, adder->registers + STATUS);
	adder->status = status;
	adder->interrupts++;
	complete(&adder->done);
	return IRQ_HANDLED;
}

static int adder_try(struct pci_dev *pci, struct adder *adder)
{
	size_t size = NUMBERS * sizeof(u32) + sizeof(u64);
	dma_addr_t bus;
	u32 *numbers = dma_alloc_coherent(&pci->dev, size, &bus, GFP_KERNEL);
	unsigned int round, n;
	int result = 0;

	if (!numbers)
		return -ENOMEM;
	for (round = 1; round <= ROUNDS && !result; round++) {
		u64 wanted = 0, sum;

		for (n = 0; n < NUMBERS; n++) {
			numbers[n] = 0x10000000u * round + n;
			wanted += numbers[n];
		}
		reinit_completion(&adder->done);
		iowrite32(lower_32_bits(bus), adder->registers + ADDRESS_LOW);
		iowrite32(upper_32_bits(bus), adder->registers + ADDRESS_HIGH);
		iowrite32(NUMBERS, adder->registers + COUNT);
		if (!wait_for_completion_timeout(&adder->done, 10 * HZ)) {
			pci_err(pci, "no interrupt\n");
			result = -ETIMEDOUT;
		}
		memcpy(&sum, numbers + NUMBERS, sizeof(sum));
		if (!result && (adder->status != DONE || sum != wanted)) {
			pci_err(pci, "status %u, sum %llu, not %llu\n", adder->status, sum, wanted);
			result = -EIO;
		}
	}
	dma_free_coherent(&pci->dev, size, numbers, bus);
	return result;
}

static int adder_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct adder *adder = devm_kzalloc(&pci->dev, sizeof(*adder), GFP_KERNEL);
	int result;

	if (!adder)
		return -ENOMEM;
	init_completion(&adder->done);
	result = pcim_enable_device(pci);
	if (!result)
		result = pcim_iomap_regions(pci, 1, "adder");
	if (!result)
		result = dma_set_mask_and_coherent(&pci->dev, DMA_BIT_MASK(64));
	if (result)
		return result;
	adder->registers = pcim_iomap_table(pci)[0];
	pci_set_master(pci);
	result = pci_alloc_irq_vectors(pci, 1, 1, PCI_IRQ_MSI | PCI_IRQ_LEGACY);
	if (result < 0)
		return result;
	result = request_irq(pci_irq_vector(pci, 0), adder_interrupt, IRQF_SHARED, "adder", adder);
	if (result)
		return result;
	result = adder_try(pci, adder);
	free_irq(pci_irq_vector(pci, 0), adder);
	pr_info("adder: %s, %u interrupts by %s\n", result ? "failed" : "right", adder->interrupts,
		pci->msi_enabled ? "MSI" : "INTx");
	pci_free_irq_vectors(pci);
	return result;
}

static const struct pci_device_id adder_ids[] = { { PCI_DEVICE(0x1b36, 0x00f0) }, {} };
MODULE_DEVICE_TABLE(pci, adder_ids);

static struct pci_driver adder_driver = {
	.name = "adder",
	.id_table = adder_ids,
	.probe = adder_probe,
};
module_pci_driver(adder_driver);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Has a device add numbers");
