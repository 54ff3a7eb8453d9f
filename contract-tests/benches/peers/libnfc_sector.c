/* One card sector by libnfc: opened, selected, authenticated, three blocks written, authenticated, three blocks read and compared.
 * Prints microseconds, the whole and that of the eight commands to the card alone. The device comes from LIBNFC_DEVICE. */
#include <nfc/nfc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double micros(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int exchange(nfc_device *device, const uint8_t *out, size_t length, uint8_t *in, size_t room) {
    return nfc_initiator_transceive_bytes(device, out, length, in, room, 1000);
}

static int authenticate(nfc_device *device, const uint8_t *uid) {
    uint8_t command[12] = {0x60, 8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    uint8_t answer[1];
    memcpy(command + 8, uid, 4);
    return exchange(device, command, sizeof command, answer, sizeof answer);
}

int main(void) {
    static const nfc_modulation classic = {.nmt = NMT_ISO14443A, .nbr = NBR_106};
    uint8_t written[18] = {0xA0}, read[2] = {0x30}, answer[16];
    nfc_context *context = NULL;
    nfc_target target;

    double begun = micros();
    nfc_init(&context);
    if (context == NULL) return 2;
    nfc_device *device = nfc_open(context, NULL);
    if (device == NULL || nfc_initiator_init(device) < 0) return 3;
    nfc_device_set_property_bool(device, NP_INFINITE_SELECT, false);
    if (nfc_initiator_select_passive_target(device, classic, NULL, 0, &target) <= 0) return 4;

    double selected = micros();
    const uint8_t *uid = target.nti.nai.abtUid;
    if (authenticate(device, uid) < 0) return 5;
    for (uint8_t block = 8; block < 11; block++) {
        written[1] = block;
        memset(written + 2, block, 16);
        if (exchange(device, written, sizeof written, answer, sizeof answer) < 0) return 6;
    }
    if (authenticate(device, uid) < 0) return 7;
    for (uint8_t block = 8; block < 11; block++) {
        read[1] = block;
        if (exchange(device, read, sizeof read, answer, sizeof answer) != 16) return 8;
        if (answer[0] != block || answer[15] != block) return 9;
    }
    double ended = micros();

    printf("%.1f %.1f\n", ended - begun, ended - selected);
    nfc_close(device);
    nfc_exit(context);
    return 0;
}
