import java.io.*;
import java.nio.ByteBuffer;
import java.nio.charset.*;
import java.util.*;

/**
 * Reads files of properties as Java does, and says what is in them.
 * Standard input: of each file its length (4 bytes) and its bytes. Standard output: of each file a line, which is
 * "refused", or its keys and values in hexadecimal UTF-8, sorted: KEY=VALUE KEY=VALUE …
 */
public class PropertiesOf {
    public static void main(String[] args) throws IOException {
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out), false, "US-ASCII");
        while (true) {
            byte[] bytes;
            try {
                bytes = new byte[in.readInt()];
            } catch (EOFException end) {
                break;
            }
            in.readFully(bytes);
            out.println(read(bytes));
        }
        out.flush();
    }

    private static String read(byte[] bytes) throws IOException {
        Properties properties = new Properties();
        try {
            properties.load(new StringReader(utf8(bytes)));
        } catch (CharacterCodingException latin) {
            try {
                properties.clear();
                properties.load(new ByteArrayInputStream(bytes));
            } catch (IllegalArgumentException refused) {
                return "refused";
            }
        } catch (IllegalArgumentException refused) {
            return "refused";
        }
        List<String> all = new ArrayList<>();
        try {
            for (String key : properties.stringPropertyNames()) {
                all.add(hex(key) + "=" + hex(properties.getProperty(key)));
            }
        } catch (CharacterCodingException half) {
            // Half a character, which Java keeps and nobody can encode.
            return "refused";
        }
        Collections.sort(all);
        return String.join(" ", all);
    }

    private static String utf8(byte[] bytes) throws CharacterCodingException {
        return StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT).decode(ByteBuffer.wrap(bytes)).toString();
    }

    private static String hex(String text) throws CharacterCodingException {
        ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().onMalformedInput(CodingErrorAction.REPORT)
            .encode(java.nio.CharBuffer.wrap(text));
        StringBuilder hex = new StringBuilder();
        while (encoded.hasRemaining()) {
            hex.append(String.format("%02x", encoded.get()));
        }
        return hex.toString();
    }
}
